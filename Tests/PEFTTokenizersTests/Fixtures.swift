import Foundation
import PEFTTestSupport
import XCTest

/// Where the fixtures are, and how they are read.
enum Fixtures {
  /// The path of a committed fixture.
  static func path(_ name: String) -> String {
    Files.fixture("Tokenizers/\(name)").path
  }

  /// The value in a committed JSON fixture.
  static func json<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    try JSONDecoder().decode(type, from: Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  /// The text of a file.
  static func text(_ path: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
  }
}

/// FNV-1a, 64 bits, as in make_expected.py.
struct Hash {
  private var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// Adds a byte.
  mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

  /// Adds the bytes of ids, the low one first.
  mutating func add(_ ids: [Int32]) {
    for id in ids {
      for shift in [0, 8, 16, 24] { add(UInt8(truncatingIfNeeded: id >> Int32(shift))) }
    }
  }

  /// The hash in 16 hexadecimal digits.
  var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// What stress.json holds.
struct Stress: Decodable {
  /// A text, its ids with and without special tokens, and its decoded text.
  ///
  /// A decoded text is nil where the reference stops with a fault of its own.
  struct Encoded: Decodable {
    var text: String
    var ids: [Int32]
    var bare: [Int32]
    var decoded: String?
    var complete: String?
  }

  /// Ids and their text without and with special tokens.
  struct Decoded: Decodable {
    var ids: [Int32]
    var decoded: String?
    var complete: String?
  }

  /// What the reference gives with one tokenizer.
  struct Results: Decodable {
    var size: Int
    /// The hash of all tokens by their ids, with a line feed after each.
    var tokens: String
    /// The hash of the ids of these tokens, -1 where there is none.
    var found: String
    var encode: [Encoded]
    var decode: [Decoded]

    /// All ids with their texts.
    var allDecoded: [Decoded] {
      decode + encode.map { Decoded(ids: $0.ids, decoded: $0.decoded, complete: $0.complete) }
    }
  }

  /// The hash of the ids of a word without end.
  struct Long: Decodable {
    var tokenizer: String
    var word: String
    var ids: String
  }

  var tokenizers: [String: Results]
  var classes: String
  var long: [Long]

  /// The fixture.
  static func load() throws -> Stress { try Fixtures.json("stress.json", as: Stress.self) }
}

/// Compares texts by their bytes; `==` would take canonically equivalent ones for equal.
func expectSameBytes(
  _ found: String, _ expected: String?, _ note: String, file: StaticString = #filePath,
  line: UInt = #line
) {
  guard let expected else { return }
  if !found.utf8.elementsEqual(expected.utf8) {
    XCTFail(
      "\(note): found \(found.debugDescription), expected \(expected.debugDescription)",
      file: file, line: line)
  }
}
