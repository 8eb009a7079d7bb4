/// Trims the offsets of tokens in the reference; the ids stay as they are.
struct ByteLevelPostProcessor: PostProcessor {
  /// Reads the settings, none of which changes an id.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    _ = try object.bool("add_prefix_space")
    _ = try object.bool("trim_offsets")
    _ = try object.bool("use_regex", missing: true)
    try object.finish()
  }

  func process(_ ids: [Int32], addSpecialTokens: Bool) -> [Int32] { ids }
}
