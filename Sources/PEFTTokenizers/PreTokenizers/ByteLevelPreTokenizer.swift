/// Cuts by the pattern of GPT-2 and spells every byte as a printable character.
struct ByteLevelPreTokenizer: PreTokenizer {
  private let addsPrefixSpace: Bool
  private let usesPattern: Bool

  /// Reads the settings; `trim_offsets` changes no token.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    addsPrefixSpace = try object.bool("add_prefix_space")
    usesPattern = try object.bool("use_regex", missing: true)
    _ = try object.bool("trim_offsets")
    try object.finish()
  }

  /// The settings of GPT-2, for files that state none.
  init() {
    addsPrefixSpace = false
    usesPattern = true
  }

  func split(_ words: Words) -> Words {
    let cut = usesPattern || addsPrefixSpace ? cut(words) : words
    let spelling = ByteAlphabet.spelling
    var output = Words(whole: [])
    output.bytes.reserveCapacity(cut.bytes.count + cut.bytes.count / 4)
    output.ends.reserveCapacity(cut.ends.count)
    var position = 0
    for end in cut.ends {
      while position < end {
        let code = spelling[Int(cut.bytes[position])]
        if code >= 0x80 { output.bytes.append(UInt8(code >> 8)) }
        output.bytes.append(UInt8(truncatingIfNeeded: code))
        position += 1
      }
      output.ends.append(output.bytes.count)
    }
    return output
  }

  private func cut(_ words: Words) -> Words {
    var output = Words(whole: [])
    output.ends.reserveCapacity(words.bytes.count / 4)
    if addsPrefixSpace {
      var ends: [Int] = []
      var start = 0
      for end in words.ends {
        if words.bytes[start] != UInt8(ascii: " ") { output.bytes.append(UInt8(ascii: " ")) }
        output.bytes += words.bytes[start..<end]
        ends.append(output.bytes.count)
        start = end
      }
      if !usesPattern {
        output.ends = ends
        return output
      }
      GPT2Pattern.cut(output.bytes, at: ends, into: &output.ends)
    } else {
      output.bytes = words.bytes
      GPT2Pattern.cut(words.bytes, at: words.ends, into: &output.ends)
    }
    return output
  }
}
