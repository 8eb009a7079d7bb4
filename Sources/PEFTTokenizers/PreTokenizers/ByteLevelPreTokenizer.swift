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

  /// The settings of GPT-2 where a file states none.
  init(addsPrefixSpace: Bool = false, usesPattern: Bool = true) {
    self.addsPrefixSpace = addsPrefixSpace
    self.usesPattern = usesPattern
  }

  func split(_ words: Words) -> Words {
    let cut = usesPattern || addsPrefixSpace ? cut(words) : words
    var output = Words(emptyCopyOf: cut)
    output.ends.reserveCapacity(cut.ends.count)
    if cut.text.origins == nil {
      Self.spell(cut, into: &output)
    } else {
      cut.forEach { word in
        output.text.appendSpelling(of: cut.text, word)
        output.endWord()
      }
    }
    return output
  }

  private static func spell(_ words: Words, into output: inout Words) {
    let spelling = ByteAlphabet.spelling
    let source = words.text.bytes
    var bytes: [UInt8] = []
    bytes.reserveCapacity(source.count + source.count / 4)
    var position = 0
    for end in words.ends {
      while position < end {
        let code = spelling[Int(source[position])]
        if code >= 0x80 { bytes.append(UInt8(code >> 8)) }
        bytes.append(UInt8(truncatingIfNeeded: code))
        position += 1
      }
      output.ends.append(bytes.count)
    }
    output.text.bytes = bytes
  }

  private func cut(_ words: Words) -> Words {
    var output = words
    if addsPrefixSpace {
      output = Words(emptyCopyOf: words)
      words.forEach { word in
        if words.bytes[word.lowerBound] != UInt8(ascii: " ") {
          output.text.append(UInt8(ascii: " "), from: words.text, at: word.lowerBound)
        }
        output.appendWord(words.text, word)
      }
    }
    if usesPattern {
      var ends: [Int] = []
      ends.reserveCapacity(words.bytes.count / 4)
      GPT2Pattern.cut(output.text.bytes, at: output.ends, into: &ends)
      output.ends = ends
    }
    return output
  }
}
