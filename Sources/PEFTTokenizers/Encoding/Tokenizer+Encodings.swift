extension Tokenizer {
  /// All that is known about the tokens of a text or of a pair of texts.
  ///
  /// - Parameters:
  ///   - text: the text.
  ///   - pair: a second text.
  ///   - addSpecialTokens: whether the post-processor may put special tokens around.
  /// - Returns: the tokens with their offsets, types and masks.
  /// - Complexity: as `encode`, with more to do for each token.
  public func encoding(
    of text: String, pair: String? = nil, addSpecialTokens: Bool = true
  ) -> Encoding {
    combined(parts(text, pair), addSpecialTokens: addSpecialTokens)
  }

  /// The tokens of a text or of a pair, no more than `truncation` allows.
  ///
  /// - Parameters:
  ///   - text: the text.
  ///   - pair: a second text.
  ///   - addSpecialTokens: whether the post-processor may put special tokens around.
  ///   - truncation: how long the encoding may be; what is cut off goes to its `overflowing`.
  /// - Returns: the tokens with their offsets, types and masks.
  /// - Throws: `TruncationError` where the texts cannot be cut that way.
  public func encoding(
    of text: String, pair: String? = nil, addSpecialTokens: Bool = true, truncation: Truncation
  ) throws(TruncationError) -> Encoding {
    var parts = parts(text, pair)
    let added = addSpecialTokens ? postProcessor?.addedCount(isPair: pair != nil) ?? 0 : 0
    try truncation.apply(to: &parts, added: added)
    return combined(parts, addSpecialTokens: addSpecialTokens)
  }

  /// The encodings of many texts, all of the same length.
  ///
  /// - Parameters:
  ///   - texts: the texts.
  ///   - addSpecialTokens: whether the post-processor may put special tokens around.
  ///   - truncation: how long an encoding may be; nil for any length.
  ///   - padding: how the encodings are made equally long.
  /// - Returns: an encoding for each text.
  /// - Throws: `TruncationError` where a text cannot be cut that way.
  public func encodings(
    of texts: [String], addSpecialTokens: Bool = true, truncation: Truncation? = nil,
    padding: Padding
  ) throws(TruncationError) -> [Encoding] {
    var encodings: [Encoding] = []
    for text in texts {
      if let truncation {
        encodings.append(
          try encoding(of: text, addSpecialTokens: addSpecialTokens, truncation: truncation))
      } else {
        encodings.append(encoding(of: text, addSpecialTokens: addSpecialTokens))
      }
    }
    padding.apply(to: &encodings)
    return encodings
  }

  private func parts(_ text: String, _ pair: String?) -> [Encoding] {
    [part(text, 0)] + (pair.map { [part($0, 1)] } ?? [])
  }

  /// The encoding of one text by itself.
  private func part(_ text: String, _ index: Int) -> Encoding {
    let bytes = Array(text.utf8)
    let row = tokens(of: Text(input: bytes))
    var encoding = Encoding()
    encoding.ids = row.ids
    encoding.tokens = row.ids.map { token($0) ?? "" }
    encoding.typeIDs = row.ids.map { _ in Int32(index) }
    encoding.byteOffsets = row.origins ?? []
    encoding.offsets = Self.scalars(of: encoding.byteOffsets, in: bytes)
    encoding.attentionMask = row.ids.map { _ in 1 }
    encoding.specialTokensMask = row.ids.map { _ in 0 }
    encoding.wordIDs = row.words
    encoding.textIDs = row.ids.map { _ in index }
    if let trimming = postProcessor?.trimming { trimming.apply(to: &encoding, bytes) }
    return encoding
  }

  /// Ranges of bytes as ranges of Unicode scalars.
  private static func scalars(of ranges: [Range<Int>], in bytes: [UInt8]) -> [Range<Int>] {
    var counts: [Int] = []
    counts.reserveCapacity(bytes.count + 1)
    var count = 0
    for byte in bytes {
      counts.append(count)
      if byte & 0xC0 != 0x80 { count += 1 }
    }
    counts.append(count)
    return ranges.map { counts[$0.lowerBound]..<counts[$0.upperBound] }
  }

  /// Puts the texts and their special tokens together, and what was cut off likewise.
  private func combined(_ parts: [Encoding], addSpecialTokens: Bool) -> Encoding {
    let processor = postProcessor ?? PostProcessor()
    let pieces = processor.pieces(isPair: parts.count > 1, addSpecialTokens: addSpecialTokens)
    var encoding = joined(parts, pieces)
    for first in parts[0].overflowing {
      encoding.overflowing.append(joined([first] + parts.dropFirst(), pieces))
      for second in parts.dropFirst().first?.overflowing ?? [] {
        encoding.overflowing.append(joined([first, second], pieces))
      }
    }
    for second in parts.dropFirst().first?.overflowing ?? [] {
      encoding.overflowing.append(joined([parts[0], second], pieces))
    }
    return encoding
  }

  private func joined(_ parts: [Encoding], _ pieces: [PostProcessor.Piece]) -> Encoding {
    var encoding = Encoding()
    for piece in pieces {
      switch piece {
      case .special(let ids, let typeID):
        encoding.append(
          Encoding(special: ids, tokens: ids.map { token($0) ?? "" }, typeID: typeID))
      case .text(let index, let typeID):
        var part = parts[index]
        part.typeIDs = part.ids.map { _ in typeID }
        encoding.append(part)
      }
    }
    return encoding
  }
}

extension PostProcessor.Trimming {
  /// Leaves the spaces that byte-level tokens begin and end with out of their offsets.
  func apply(to encoding: inout Encoding, _ text: [UInt8]) {
    var starts: [Int] = []
    for (position, byte) in text.enumerated() where byte & 0xC0 != 0x80 { starts.append(position) }
    starts.append(text.count)
    for index in encoding.ids.indices {
      let scalars = encoding.tokens[index].unicodeScalars
      var leading = scalars.prefix(while: Self.isSpace).count
      let trailing = scalars.reversed().prefix(while: Self.isSpace).count
      // A single space of the first token may be the one that was put there.
      let isFirst = index == 0 || encoding.offsets[index].lowerBound == 0
      if leading == 1, addsPrefixSpace, isFirst { leading = 0 }
      if leading == 0, trailing == 0 { continue }
      let range = Self.trim(encoding.offsets[index], leading, trailing)
      encoding.offsets[index] = range
      encoding.byteOffsets[index] = starts[range.lowerBound]..<starts[range.upperBound]
    }
  }

  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar == "\u{120}" || TextClasses(of: scalar.value).contains(.space)
  }

  private static func trim(_ range: Range<Int>, _ leading: Int, _ trailing: Int) -> Range<Int> {
    let start = min(range.lowerBound + leading, range.upperBound)
    let end =
      range.upperBound >= trailing ? max(range.upperBound - trailing, start) : range.upperBound
    return start..<end
  }
}
