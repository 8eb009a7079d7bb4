import PEFTTokenizers
import XCTest

/// Compares with what the `tokenizers` library gives (Tests/Fixtures/Tokenizers/make_expected.py).
final class TokenizerTests: XCTestCase {
  func testEncodingEqualsTheReference() throws {
    for (name, results) in try Stress.load().tokenizers {
      let tokenizer = try Tokenizer(file: Fixtures.path("\(name).json"))
      for item in results.encode {
        let note = "\(name): \(item.text.debugDescription)"
        XCTAssertEqual(tokenizer.encode(item.text), item.ids, note)
        XCTAssertEqual(tokenizer.encode(item.text, addSpecialTokens: false), item.bare, note)
        // From the cache of words now.
        XCTAssertEqual(tokenizer.encode(item.text), item.ids, note)
      }
    }
  }

  func testDecodingEqualsTheReference() throws {
    for (name, results) in try Stress.load().tokenizers {
      let tokenizer = try Tokenizer(file: Fixtures.path("\(name).json"))
      for item in results.allDecoded {
        let note = "\(name): \(item.ids)"
        expectSameBytes(tokenizer.decode(item.ids), item.decoded, note)
        expectSameBytes(
          tokenizer.decode(item.ids, skipSpecialTokens: false), item.complete, note)
      }
    }
  }

  func testTokensAndIds() throws {
    for (name, results) in try Stress.load().tokenizers {
      let tokenizer = try Tokenizer(file: Fixtures.path("\(name).json"))
      XCTAssertEqual(tokenizer.vocabularySize, results.size, name)
      var tokens = Hash()
      var found = Hash()
      for id in 0..<Int32(results.size) {
        let token = try XCTUnwrap(tokenizer.token(id), "\(name): \(id)")
        for byte in "\(token)\n".utf8 { tokens.add(byte) }
        found.add([tokenizer.id(of: token) ?? -1])
      }
      XCTAssertEqual(tokens.text, results.tokens, name)
      XCTAssertEqual(found.text, results.found, name)
      XCTAssertNil(tokenizer.token(-1))
      XCTAssertNil(tokenizer.token(Int32(results.size)))
      XCTAssertNil(tokenizer.token(.max))
      XCTAssertNil(tokenizer.id(of: "no such token"))
    }
  }

  func testCharacterClassesEqualTheReference() throws {
    let tokenizer = try Tokenizer(file: Fixtures.path("classes.json"))
    var hash = Hash()
    let starts =
      Array(stride(from: UInt32(0), to: 0x34000, by: 0x400)) + [0xE0000, 0xFFC00, 0x10FC00]
    for start in starts {
      let points = (start..<start + 0x400).compactMap(Unicode.Scalar.init)
      if points.isEmpty { continue }
      var text = String.UnicodeScalarView()
      for point in points { text += "a\(point)1\(point)!\(point)zq".unicodeScalars }
      hash.add(tokenizer.encode(String(text)))
    }
    XCTAssertEqual(hash.text, try Stress.load().classes)
  }

  func testWordsWithoutEnd() throws {
    var state: UInt32 = 1
    let letters = Array("abeiklmnorstuvyz".utf8)
    let irregular = (0..<200_000).map { _ in
      state = (state &* 1_103_515_245 &+ 12345) & 0x7FFF_FFFF
      return letters[Int(state >> 16) % 16]
    }
    let words = [
      "regular": String(repeating: "ba", count: 500_000),
      "irregular": String(decoding: irregular, as: UTF8.self),
    ]
    for expected in try Stress.load().long {
      let tokenizer = try Tokenizer(file: Fixtures.path("\(expected.tokenizer).json"))
      let word = try XCTUnwrap(words[expected.word])
      let ids = tokenizer.encode(word)
      var hash = Hash()
      hash.add(ids)
      XCTAssertEqual(hash.text, expected.ids, "\(expected)")
      expectSameBytes(tokenizer.decode(ids), word, "\(expected.tokenizer), \(expected.word)")
    }
  }

  func testEncodersAtTheSameTime() async throws {
    let results = try XCTUnwrap(try Stress.load().tokenizers["byte-level"])
    let tokenizer = try Tokenizer(file: Fixtures.path("byte-level.json"))
    await withTaskGroup(of: [[Int32]].self) { group in
      for _ in 0..<8 {
        group.addTask { results.encode.map { tokenizer.encode($0.text) } }
      }
      for await ids in group { XCTAssertEqual(ids, results.encode.map(\.ids)) }
    }
  }
}
