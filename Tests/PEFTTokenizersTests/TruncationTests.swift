import PEFTTokenizers
import XCTest

/// Cutting and padding against the `tokenizers` library (make_kinds.py).
final class TruncationTests: XCTestCase {
  private struct Case: Decodable {
    var text: String
    var pair: String?
    var maximumLength: Int
    var stride: Int
    var strategy: String
    var direction: String
    var padLength: Int?
    var padDirection: String
    var multiple: Int?
    /// For each encoding the ids, the types, the attention mask and the mask of special tokens.
    var rows: [[[Int32]]]?
    var error: String?

    private enum CodingKeys: String, CodingKey {
      case text, pair, stride, strategy, direction, padLength, padDirection, multiple, rows, error
      case maximumLength = "max_length"
    }

    var truncation: Truncation {
      let strategies: [String: Truncation.Strategy] = [
        "longest_first": .longestFirst, "only_first": .onlyFirst, "only_second": .onlySecond,
      ]
      return Truncation(
        maximumLength: maximumLength, strategy: strategies[strategy] ?? .longestFirst,
        stride: stride,
        direction: direction == "left" ? .left : .right)
    }

    var padding: Padding {
      Padding(
        id: 0, typeID: 1, strategy: padLength.map { .fixed($0) } ?? .longest,
        direction: padDirection == "left" ? .left : .right, multiple: multiple)
    }
  }

  func testCutAndPaddedEqualsTheReference() throws {
    let tokenizer = try Tokenizer(file: Fixtures.path("kinds/wordpiece.json"))
    for item in try Fixtures.json("truncations.json", as: [Case].self) {
      do {
        let encoding = try tokenizer.encoding(
          of: item.text, pair: item.pair, truncation: item.truncation)
        var list = [encoding]
        item.padding.apply(to: &list)
        let rows = ([list[0]] + list[0].overflowing).map {
          [$0.ids, $0.typeIDs, $0.attentionMask, $0.specialTokensMask]
        }
        XCTAssertEqual(rows, item.rows, "\(item)")
      } catch {
        XCTAssertNotNil(item.error, "\(error): \(item)")
      }
    }
  }

  func testErrors() throws {
    let tokenizer = try Tokenizer(file: Fixtures.path("kinds/wordpiece.json"))
    for (truncation, pair, expected) in [
      (Truncation(maximumLength: 1), nil, TruncationError.noRoom(maximumLength: 1, special: 2)),
      (
        Truncation(maximumLength: 4, strategy: .onlySecond), nil, .noSecondText
      ),
      (Truncation(maximumLength: 4, stride: 2), nil, .strideTooLong(stride: 2, length: 2)),
      (
        Truncation(maximumLength: 4, strategy: .onlySecond), "x" as String?,
        .tooShort(length: 1, toRemove: 8)
      ),
    ] {
      XCTAssertThrowsError(
        try tokenizer.encoding(of: "1 2 3 4 5 6 7 8", pair: pair, truncation: truncation)
      ) {
        XCTAssertEqual($0 as? TruncationError, expected)
        XCTAssertFalse("\($0)".isEmpty)
      }
    }
  }

  func testRowsOfOneLength() throws {
    let tokenizer = try Tokenizer(file: Fixtures.path("kinds/wordpiece.json"))
    let rows = try tokenizer.encodings(
      of: ["1", "1 2 3 4 5", ""], truncation: Truncation(maximumLength: 6), padding: Padding(id: 0))
    XCTAssertEqual(rows.map(\.count), [6, 6, 6])
    XCTAssertEqual(rows.map { $0.attentionMask.reduce(0, +) }, [3, 6, 2])
    XCTAssertEqual(rows[0].tokens.suffix(3), ["[PAD]", "[PAD]", "[PAD]"])
  }
}
