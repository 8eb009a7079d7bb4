/// The normal forms of Unicode: NFC, NFD, NFKC and NFKD.
struct NormalForm: Normalizer {
  private let isCompatibility: Bool
  private let composes: Bool

  /// A form.
  init(isCompatibility: Bool, composes: Bool) {
    self.isCompatibility = isCompatibility
    self.composes = composes
  }

  /// Reads the component, which has no settings.
  init(
    reading object: inout ObjectReader, isCompatibility: Bool, composes: Bool
  ) throws(TokenizerError) {
    self.init(isCompatibility: isCompatibility, composes: composes)
    try object.finish()
  }

  /// A code point of the result.
  private struct Point {
    var value: UInt32
    /// The combining class.
    var order: UInt32
    /// How many characters of the text fewer than one it takes up: 1 for one that a character before it
    /// brought along, less than 0 for one that others were composed to.
    var change: Int
  }

  func normalize(_ text: inout Text) {
    guard let first = nextForeign(in: text.bytes, from: 0) else { return }
    var output = text.emptyCopy(capacity: text.bytes.count + text.bytes.count / 8)
    var points: [Point] = []
    var done = 0
    var position = first
    let count = text.bytes.count
    while position < count {
      // The ASCII character before may take up a mark, the one after is not touched.
      let start = position > done ? position - 1 : position
      output.append(text, done..<start)
      var end = position
      while end < count, text.bytes[end] >= 0x80 { end += 1 }
      normalize(text, start..<end, with: &points, into: &output)
      done = end
      position = nextForeign(in: text.bytes, from: end) ?? count
    }
    output.append(text, done..<count)
    text = output
  }

  /// Where the next character stands that is not ASCII.
  private func nextForeign(in bytes: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBufferPointer { bytes in
      var position = start
      while position < bytes.count {
        if bytes[position] >= 0x80 { return position }
        position += 1
      }
      return nil
    }
  }

  private func normalize(
    _ text: Text, _ range: Range<Int>, with points: inout [Point], into output: inout Text
  ) {
    let tables = Decompositions.shared
    points.removeAll(keepingCapacity: true)
    var isOrdered = true
    var last: UInt32 = 0
    var position = range.lowerBound
    while position < range.upperBound {
      let (value, length) = UTF8Reading.point(in: text.bytes, at: position)
      var isFirst = true
      tables.decompose(value, isCompatibility: isCompatibility) { part in
        let order = tables.combiningClass(part)
        if order != 0, order < last { isOrdered = false }
        last = order
        points.append(Point(value: part, order: order, change: isFirst ? 0 : 1))
        isFirst = false
      }
      position += length
    }
    if !isOrdered { Self.order(&points) }
    if composes { Self.compose(&points, tables) }
    if text.origins == nil {
      for point in points { UTF8Reading.append(point.value, to: &output.bytes) }
    } else {
      append(points, from: text, range, to: &output)
    }
  }

  /// Appends points that stand, in their order, for the characters of a range, as the reference counts
  /// them: marks that changed places have changed places in the offsets too.
  private func append(
    _ points: [Point], from text: Text, _ range: Range<Int>, to output: inout Text
  ) {
    // The character taken up last, and the next one.
    var last = range.lowerBound
    var position = range.lowerBound
    for point in points {
      // What was brought along stands for the last character, what was composed for the first of its own.
      let place = point.change > 0 ? last : min(position, range.upperBound - 1)
      for _ in 0..<max(1 - point.change, 0) where position < range.upperBound {
        last = position
        position += UTF8Reading.length(text.bytes[position])
      }
      output.append(point: point.value, from: text, at: place)
    }
  }

  /// Sorts every run of marks by their classes, equal ones as they were.
  private static func order(_ points: inout [Point]) {
    var start = 0
    while start < points.count {
      if points[start].order == 0 {
        start += 1
        continue
      }
      var end = start + 1
      while end < points.count, points[end].order != 0 { end += 1 }
      if end - start > 1 {
        let sorted = points[start..<end].enumerated().sorted {
          ($0.element.order, $0.offset) < ($1.element.order, $1.offset)
        }
        points.replaceSubrange(start..<end, with: sorted.map(\.element))
      }
      start = end
    }
  }

  /// Composes what can be, in place.
  private static func compose(_ points: inout [Point], _ tables: Decompositions) {
    var written = 0
    var starter = -1
    // The class of the last mark kept behind the starter.
    var last: UInt32 = 0
    for index in points.indices {
      let point = points[index]
      let isAdjacent = written == starter + 1
      if starter >= 0, isAdjacent || last < point.order,
        let composed = tables.composition(points[starter].value, point.value)
      {
        points[starter].value = composed
        points[starter].change += point.change - 1
        continue
      }
      points[written] = point
      if point.order == 0 { starter = written }
      last = point.order
      written += 1
    }
    points.removeSubrange(written...)
  }
}
