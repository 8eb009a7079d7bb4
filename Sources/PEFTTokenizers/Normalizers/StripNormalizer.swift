/// Takes white space away at the ends.
struct StripNormalizer: Normalizer {
  private let stripsLeft: Bool
  private let stripsRight: Bool

  /// Reads which ends.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    stripsLeft = try object.bool("strip_left")
    stripsRight = try object.bool("strip_right")
    try object.finish()
  }

  func normalize(_ text: inout Text) {
    var start = 0
    var end = text.bytes.count
    while stripsLeft, start < end {
      let (point, length) = UTF8Reading.point(in: text.bytes, at: start)
      if !TextClasses(of: point).contains(.space) { break }
      start += length
    }
    while stripsRight, start < end {
      let last = UTF8Reading.start(in: text.bytes, before: end)
      let point = UTF8Reading.point(in: text.bytes, at: last).value
      if !TextClasses(of: point).contains(.space) { break }
      end = last
    }
    text = text.slice(start..<end)
  }
}
