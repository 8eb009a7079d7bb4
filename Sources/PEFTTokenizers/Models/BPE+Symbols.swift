extension BPE {
  /// Appends what a word is made of before anything is joined: the ids of its characters.
  ///
  /// A character outside the vocabulary becomes its byte tokens, if it has all of them, else the unknown
  /// token. As in the reference the unknown token is put down only when a known character or the end
  /// follows, so it can come after byte tokens that it stood before.
  func appendSymbols(of text: [UInt8], in range: Range<Int>, to symbols: inout [Int32]) {
    var isUnknownPending = false
    var position = range.lowerBound
    while position < range.upperBound {
      let start = position
      let lead = text[position]
      position += UTF8Reading.length(lead)
      let id: Int32
      if lead < 0x80 {
        id = shortSymbols[Int(lead)]
      } else if lead < 0xE0 {
        id = shortSymbols[Int(lead & 0x1F) << 6 | Int(text[start + 1] & 0x3F)]
      } else {
        id = vocabulary.id(of: text, in: start..<position) ?? -1
      }
      if id >= 0 {
        if isUnknownPending, let unknown { symbols.append(unknown) }
        isUnknownPending = false
        symbols.append(id)
      } else if !appendBytes(of: text, in: start..<position, to: &symbols) {
        if isUnknownPending, !fusesUnknown, let unknown { symbols.append(unknown) }
        isUnknownPending = true
      }
    }
    if isUnknownPending, let unknown { symbols.append(unknown) }
  }

  private func appendBytes(
    of text: [UInt8], in range: Range<Int>, to symbols: inout [Int32]
  ) -> Bool {
    guard let byteTokens else { return false }
    for position in range where byteTokens[Int(text[position])] < 0 { return false }
    for position in range { symbols.append(byteTokens[Int(text[position])]) }
    return true
  }

  /// Visits the symbols of a word with the number of bytes each stands for.
  ///
  /// As `appendSymbols`, with the prefix and the suffix where the model has them.
  func appendAffixed(
    of text: [UInt8], in range: Range<Int>, _ body: (_ id: Int32, _ length: Int) -> Void
  ) {
    var pending = 0
    var position = range.lowerBound
    var key: [UInt8] = []
    while position < range.upperBound {
      let start = position
      position += UTF8Reading.length(text[start])
      key.removeAll(keepingCapacity: true)
      if start > range.lowerBound { key += prefix }
      key += text[start..<position]
      if position == range.upperBound { key += suffix }
      if let id = vocabulary.id(of: key) {
        if pending > 0, let unknown { body(unknown, pending) }
        pending = 0
        body(id, position - start)
      } else if let byteTokens, key.allSatisfy({ byteTokens[Int($0)] >= 0 }) {
        for byte in key { body(byteTokens[Int(byte)], 1) }
      } else if fusesUnknown {
        pending += position - start
      } else {
        if pending > 0, let unknown { body(unknown, pending) }
        pending = position - start
      }
    }
    if pending > 0, let unknown { body(unknown, pending) }
  }
}
