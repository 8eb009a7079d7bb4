/// The normaliser of BERT: cleans, sets Chinese characters apart, strips accents and lowers.
struct BertNormalizer: Normalizer {
  private let cleans: Bool
  private let setsChineseApart: Bool
  private let stripsAccents: Bool
  private let lowers: Bool
  /// What becomes of the ASCII characters; 0 where one goes.
  private let ascii: [UInt8]

  /// Reads the settings.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    let lowers = try object.bool("lowercase")
    self.init(
      cleans: try object.bool("clean_text"),
      setsChineseApart: try object.bool("handle_chinese_chars"),
      stripsAccents: try object.bool("strip_accents", missing: lowers), lowers: lowers)
    try object.finish()
  }

  /// A normaliser with these settings.
  init(cleans: Bool, setsChineseApart: Bool, stripsAccents: Bool, lowers: Bool) {
    self.cleans = cleans
    self.setsChineseApart = setsChineseApart
    self.stripsAccents = stripsAccents
    self.lowers = lowers
    ascii = (UInt8(0)..<128).map { byte in
      let classes = TextClasses(of: UInt32(byte))
      if cleans, classes.contains(.control) { return 0 }
      if cleans, classes.contains(.cleanedSpace) { return UInt8(ascii: " ") }
      return lowers && (0x41...0x5A).contains(byte) ? byte + 32 : byte
    }
  }

  func normalize(_ text: inout Text) {
    if text.bytes.allSatisfy({ $0 < 0x80 }) {
      normalizeASCII(&text)
      return
    }
    if cleans || setsChineseApart { clean(&text) }
    if stripsAccents { NormalForm(isCompatibility: false, composes: false).normalize(&text) }
    if stripsAccents || lowers { strip(&text) }
  }

  private func normalizeASCII(_ text: inout Text) {
    var count = 0
    for position in text.bytes.indices {
      let byte = ascii[Int(text.bytes[position])]
      // NUL is a control character: where it is not cleaned away it stays itself.
      if byte == 0, cleans { continue }
      text.bytes[count] = byte
      if let origin = text.origins?[position] { text.origins?[count] = origin }
      count += 1
    }
    text.bytes.removeSubrange(count...)
    text.origins?.removeSubrange(count...)
  }

  private func clean(_ text: inout Text) {
    var output = text.emptyCopy(capacity: text.bytes.count + 16)
    var position = 0
    while position < text.bytes.count {
      let (point, length) = UTF8Reading.point(in: text.bytes, at: position)
      let classes = TextClasses(of: point)
      if cleans, classes.contains(.control) {
      } else if cleans, classes.contains(.cleanedSpace) {
        output.append(UInt8(ascii: " "), from: text, at: position)
      } else if setsChineseApart, classes.contains(.chinese) {
        output.append(UInt8(ascii: " "), from: text, at: position)
        output.append(text, position..<position + length)
        output.append(UInt8(ascii: " "), from: text, at: position)
      } else {
        output.append(text, position..<position + length)
      }
      position += length
    }
    text = output
  }

  private func strip(_ text: inout Text) {
    var output = text.emptyCopy(capacity: text.bytes.count)
    var position = 0
    while position < text.bytes.count {
      let (point, length) = UTF8Reading.point(in: text.bytes, at: position)
      if stripsAccents, point >= 0x80, TextClasses(of: point).contains(.nonspacingMark) {
      } else if lowers {
        output.appendLower(point, length, from: text, at: position)
      } else {
        output.append(text, position..<position + length)
      }
      position += length
    }
    text = output
  }
}
