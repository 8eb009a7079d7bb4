import PEFTTokenizers
import XCTest

final class TokenStreamDecoderTests: XCTestCase {
  func testPartsMakeUpTheWhole() throws {
    for (name, results) in try Stress.load().tokenizers {
      let tokenizer = try Tokenizer(file: Fixtures.path("\(name).json"))
      for item in results.allDecoded {
        for (skips, expected) in [(true, item.decoded), (false, item.complete)] {
          var decoder = tokenizer.streamDecoder(skipSpecialTokens: skips)
          var text = ""
          for id in item.ids { text += decoder.append(id) }
          text += decoder.finish()
          expectSameBytes(text, expected, "\(name): \(item.ids)")
        }
      }
    }
  }

  func testTextComesAsSoonAsItIsComplete() throws {
    let tokenizer = try Tokenizer(file: Fixtures.path("byte-level.json"))
    let ids = tokenizer.encode("a\u{10FFFF}b")
    XCTAssertEqual(ids.count, 6)
    var decoder = tokenizer.streamDecoder()
    XCTAssertEqual(ids.map { decoder.append($0) }, ["a", "", "", "", "\u{10FFFF}", "b"])
    XCTAssertEqual(decoder.finish(), "")
  }

  func testByteTokensWaitForTheEndOfTheirRun() throws {
    let tokenizer = try Tokenizer(file: Fixtures.path("byte-fallback.json"))
    let ids = tokenizer.encode("a\u{10FFFF}ba", addSpecialTokens: false)
    var decoder = tokenizer.streamDecoder()
    let parts = ids.map { decoder.append($0) } + [decoder.finish()]
    XCTAssertEqual(parts.joined(), "a\u{10FFFF}ba")
    XCTAssertEqual(parts.last, "")
    XCTAssertFalse(parts.contains { $0.unicodeScalars.contains("\u{FFFD}") })
    var cut = tokenizer.streamDecoder()
    let shown = ids.prefix(while: { tokenizer.token($0) != "<0x8F>" }).map { cut.append($0) }
    XCTAssertEqual(shown.joined() + cut.finish(), "a\u{FFFD}")
  }
}
