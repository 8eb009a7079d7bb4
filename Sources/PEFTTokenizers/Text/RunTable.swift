/// A number for every code point, out of a text of runs.
struct RunTable: Sendable {
  /// For each block of 256 code points, the place of its numbers in `blocks`.
  private let index: [Int32]
  private let blocks: [UInt16]

  /// The letters of runs, in the order of what they stand for.
  static let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&()*+,-./:;<=>?@[]^_"

  /// Unpacks runs: the length in base 36 (nothing for 1) and a letter that `value` gives a number to.
  init(_ runs: StaticString, value: (UInt8) -> UInt16) {
    var flat: [UInt16] = []
    flat.reserveCapacity(0x110000)
    runs.withUTF8Buffer { runs in
      var count = 0
      for byte in runs {
        if let digit = Self.digit(byte) {
          count = count * 36 + digit
        } else {
          flat.append(contentsOf: repeatElement(value(byte), count: max(count, 1)))
          count = 0
        }
      }
    }
    precondition(flat.count == 0x110000, "RunTable: the runs do not cover Unicode")
    var index: [Int32] = []
    var blocks: [UInt16] = []
    var known: [ArraySlice<UInt16>: Int32] = [:]
    for start in stride(from: 0, to: flat.count, by: 256) {
      let block = flat[start..<start + 256]
      if let place = known[block] {
        index.append(place)
      } else {
        let place = Int32(blocks.count)
        known[block] = place
        index.append(place)
        blocks += block
      }
    }
    self.index = index
    self.blocks = blocks
  }

  /// Unpacks runs whose letters stand for `kinds`, in the order of `letters`.
  init(_ runs: StaticString, kinds: StaticString) {
    let letters = Array(Self.letters.utf8)
    var values = [UInt16](repeating: 0, count: 128)
    var place = 0
    PackedNumbers.forEach(in: kinds) { numbers in
      values[Int(letters[place])] = UInt16(truncatingIfNeeded: numbers[0])
      place += 1
    }
    self.init(runs) { values[Int($0 & 0x7F)] }
  }

  /// The number of a code point.
  subscript(point: UInt32) -> UInt16 {
    blocks[Int(index[Int(point >> 8)]) + Int(point & 0xFF)]
  }

  /// The value of a digit in base 36.
  static func digit(_ byte: UInt8) -> Int? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte - UInt8(ascii: "0"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(byte - UInt8(ascii: "a")) + 10
    default: nil
    }
  }
}
