extension RegularExpression {
  /// The pattern of Qwen2, for files that state none: a word with the sign before it, single digits, signs
  /// with the line breaks after them, line breaks, spaces.
  static let qwen2 = known(
    #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
      + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#)

  private static func known(_ pattern: String) -> RegularExpression {
    do {
      return try RegularExpression(pattern)
    } catch {
      preconditionFailure("RegularExpression: \(error.text)")
    }
  }
}
