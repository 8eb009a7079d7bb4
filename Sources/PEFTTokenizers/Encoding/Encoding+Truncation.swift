extension Truncation {
  /// Cuts the encodings of one text or two, which get `added` special tokens later.
  ///
  /// What is cut off goes to `overflowing` of each.
  func apply(to encodings: inout [Encoding], added: Int) throws(TruncationError) {
    guard added <= maximumLength else {
      throw .noRoom(maximumLength: maximumLength, special: added)
    }
    let room = max(maximumLength, 0) - added
    let total = encodings.reduce(0) { $0 + $1.count }
    if total <= room { return }
    if room == 0 {
      for index in encodings.indices { try cut(&encodings[index], to: 0) }
      return
    }
    switch strategy {
    case .longestFirst:
      if encodings.count == 1 {
        try cut(&encodings[0], to: room)
        return
      }
      let lengths = Self.lengths(encodings[0].count, encodings[1].count, room: room)
      try cut(&encodings[0], to: lengths.0)
      try cut(&encodings[1], to: lengths.1)
    case .onlyFirst, .onlySecond:
      let index = strategy == .onlyFirst ? 0 : 1
      guard index < encodings.count else { throw .noSecondText }
      let length = encodings[index].count
      guard length > total - room else {
        throw .tooShort(length: length, toRemove: total - room)
      }
      try cut(&encodings[index], to: length - (total - room))
    }
  }

  /// How long two texts may be, the shorter of which is cut only if it must be.
  private static func lengths(_ first: Int, _ second: Int, room: Int) -> (Int, Int) {
    var short = min(first, second)
    var long = short > room ? short : max(short, room - short)
    if short + long > room {
      short = room / 2
      long = short + room % 2
    }
    return first > second ? (long, short) : (short, long)
  }

  private func cut(_ encoding: inout Encoding, to length: Int) throws(TruncationError) {
    let count = encoding.count
    if length >= count { return }
    if length == 0 {
      let all = encoding
      encoding = Encoding()
      encoding.overflowing = [all]
      return
    }
    guard stride >= 0, stride < length else {
      throw .strideTooLong(stride: stride, length: length)
    }
    var parts: [Range<Int>] = []
    var offset = 0
    while true {
      let part =
        direction == .right
        ? offset..<min(offset + length, count)
        : max(count - offset - length, 0)..<count - offset
      parts.append(part)
      if direction == .right ? part.upperBound == count : part.lowerBound == 0 { break }
      offset += length - stride
    }
    let all = encoding
    encoding = all.slice(parts[0])
    encoding.overflowing = parts.dropFirst().map(all.slice)
  }
}
