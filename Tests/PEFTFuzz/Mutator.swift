import PEFT

/// Makes damaged inputs out of good ones, the same for the same seed and case.
struct Mutator {
  /// What kind of damage reaches deep into an input.
  enum Structure {
    /// Values and members are exchanged, besides bytes.
    case json
    /// The length of the JSON head is made to fit again in most cases.
    case safetensors
    /// Sizes are exchanged, and made to fit in many cases.
    case idx
    /// Nothing but bytes and words.
    case text
  }

  private var random: Generator
  private let structure: Structure
  private let words: [[UInt8]]

  /// A mutator for one case.
  init(seed: UInt64, number: UInt64, _ structure: Structure, words: [String]) {
    random = Generator(seed: seed &* 0xD134_2543_DE82_EF95 ^ number &* 0x2545_F491_4F6C_DD1D)
    self.structure = structure
    self.words = words.map { Array($0.utf8) }
  }

  /// One of some values.
  mutating func choose<Value>(_ values: [Value]) -> Value {
    values[Int.random(in: 0..<values.count, using: &random)]
  }

  /// A damaged copy; one in many is whole.
  mutating func damage(_ parts: [[UInt8]]) -> [[UInt8]] {
    var parts = parts
    let count = [1, 1, 1, 2, 2, 3, 4, 8]
    for _ in 0..<choose(count) {
      let place = Int.random(in: 0..<parts.count, using: &random)
      damage(&parts[place])
    }
    if structure == .safetensors { fitHeader(&parts[parts.count - 1]) }
    return parts
  }

  private mutating func damage(_ bytes: inout [UInt8]) {
    if structure == .idx, Bool.random(using: &random) { return changeSize(&bytes) }
    if [.json, .safetensors].contains(structure), Bool.random(using: &random) {
      return changeValue(&bytes)
    }
    let place = Int.random(in: 0...bytes.count, using: &random)
    let end = min(bytes.count, place + Int.random(in: 0...40, using: &random))
    switch Int.random(in: 0..<8, using: &random) {
    case 0 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
    case 2, 3: bytes.insert(contentsOf: choose(words), at: place)
    case 4: bytes.removeSubrange(place..<end)
    case 5: bytes.insert(contentsOf: bytes[place..<end], at: place)
    case 6:
      let other = Int.random(in: 0...bytes.count, using: &random)
      bytes.insert(contentsOf: bytes[place..<end], at: other)
    case 7: bytes.removeSubrange(place...)
    default: bytes.append(UInt8.random(in: 0...255, using: &random))
    }
  }

  private static let values: [[UInt8]] = [
    "null", "true", "false", "0", "-1", "1", "2", "3", "1.5", "1e999", "-1e-999", "1000000000",
    "2147483648", "9223372036854775807", "-9223372036854775808", "18446744073709551616", "\"\"",
    "\"a\"", "\"0\"", "\"\\ud800\"", "\"\\u0000\"", "[]", "[[]]", "{}", "{\"\":{}}", "[0]", "[-1]",
    "[1,2,3]", "[\"a\",\"b\"]",
  ].map { Array($0.utf8) }

  /// Puts another value in the place of one, or takes a member away or doubles it.
  private mutating func changeValue(_ bytes: inout [UInt8]) {
    let borders = Array("{}[],:".utf8)
    let from = Int.random(in: 0...bytes.count, using: &random)
    guard let start = bytes[from...].firstIndex(where: borders.contains) else { return }
    let end = bytes[(start + 1)...].firstIndex(where: borders.contains) ?? bytes.count
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes.removeSubrange(start..<end)
    case 1: bytes.insert(contentsOf: bytes[start..<end], at: end)
    case 2: bytes.replaceSubrange(start + 1..<end, with: choose(words))
    default: bytes.replaceSubrange(start + 1..<end, with: choose(Self.values))
    }
  }

  private mutating func fitHeader(_ bytes: inout [UInt8]) {
    guard !Int.random(in: 0..<8, using: &random).isMultiple(of: 8), bytes.count >= 8,
      let close = bytes.lastIndex(of: UInt8(ascii: "}")), close >= 8
    else { return }
    withUnsafeBytes(of: UInt64(close - 7).littleEndian) { length in
      bytes.replaceSubrange(0..<8, with: length)
    }
  }

  private mutating func changeSize(_ bytes: inout [UInt8]) {
    guard bytes.count >= 8 else { return }
    let rank = max(1, min(4, Int(bytes[3]), (bytes.count - 4) / 4))
    let place = 4 + 4 * Int.random(in: 0..<rank, using: &random)
    let size = choose([
      0, 1, 2, 3, 5, 255, 65536, UInt32(Int32.max), 1 << 31, UInt32.max,
    ])
    withUnsafeBytes(of: size.bigEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    let count = (0..<rank).reduce(1) { product, index in
      let extent = bytes[4 + 4 * index..<8 + 4 * index].reduce(0) { $0 << 8 | Int($1) }
      return min(product * min(extent, 1 << 20), 1 << 20)
    }
    guard Bool.random(using: &random), count <= 4096 else { return }
    let end = 4 + 4 * rank + count
    bytes = Array(bytes.prefix(end)) + Array(repeating: 7, count: max(0, end - bytes.count))
  }
}
