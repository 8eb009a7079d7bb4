import PEFTTestSupport
import PEFTTokenizers
import PEFTTraining
import XCTest

final class ExampleEncoderTests: XCTestCase {
  private let ignored: Int32 = -100

  func testOnlyTheCompletionIsLearned() {
    let result = CharacterTokenizer.encoder().encode(.completion(prompt: "ab", completion: "cd"))
    XCTAssertEqual(
      result,
      .whole(
        TrainingExample(
          ids: [1, 97, 98, 99, 100, 2], labels: [ignored, ignored, ignored, 99, 100, 2])))
  }

  /// As one text, `at` and `h` would be two tokens: `a` and `th`.
  func testThePartsAreEncodedEachByItself() {
    for addsSpecialTokens in [true, false] {
      let encoder = CharacterTokenizer.encoder(
        beginning: 1, addsSpecialTokens: addsSpecialTokens)
      XCTAssertEqual(
        encoder.encode(.completion(prompt: "at", completion: "h")),
        .whole(
          TrainingExample(
            ids: [1, 97, 116, 104, 2], labels: [ignored, ignored, ignored, 104, 2])))
    }
  }

  func testOnlyTheEndOfAnEmptyCompletionIsLearned() {
    let encoder = CharacterTokenizer.encoder()
    XCTAssertEqual(
      encoder.encode(.completion(prompt: "a", completion: "")),
      .whole(TrainingExample(ids: [1, 97, 2], labels: [ignored, ignored, 2])))
    // A prompt that ends as the completion does leaves the end to be learned.
    let bare = CharacterTokenizer.encoder(end: 97, addsSpecialTokens: false)
    XCTAssertEqual(
      bare.encode(.completion(prompt: "ba", completion: "")),
      .whole(TrainingExample(ids: [98, 97, 97], labels: [ignored, ignored, 97])))
  }

  func testTextIsLearnedAsAWhole() {
    XCTAssertEqual(
      CharacterTokenizer.encoder().encode(.text("ab")),
      .whole(TrainingExample(ids: [1, 97, 98, 2])))
  }

  func testBeginningAndEndAreAddedOnce() {
    let ids: [Int32] = [1, 97, 98, 2]
    for addsSpecialTokens in [true, false] {
      let encoder = CharacterTokenizer.encoder(
        beginning: 1, end: 2, addsSpecialTokens: addsSpecialTokens)
      XCTAssertEqual(encoder.encode(.text("ab")), .whole(TrainingExample(ids: ids)))
      XCTAssertEqual(
        encoder.encode(.completion(prompt: "a", completion: "b")),
        .whole(TrainingExample(ids: ids, labels: [ignored, ignored, 98, 2])))
    }
    let bare = CharacterTokenizer.encoder(end: nil, addsSpecialTokens: false)
    XCTAssertEqual(bare.encode(.text("ab")), .whole(TrainingExample(ids: [97, 98])))
  }

  func testTruncation() {
    let encoder = CharacterTokenizer.encoder(maximumLength: 4)
    XCTAssertEqual(
      encoder.encode(.completion(prompt: "ab", completion: "cd")),
      .cut(TrainingExample(ids: [1, 97, 98, 99], labels: [ignored, ignored, ignored, 99])))
    XCTAssertEqual(encoder.encode(.completion(prompt: "abc", completion: "d")), .nothingLeft)
    XCTAssertEqual(encoder.encode(.text("ab")), .whole(TrainingExample(ids: [1, 97, 98, 2])))
  }

  func testASingleTokenHasNothingToLearn() {
    let encoder = CharacterTokenizer.encoder(end: nil, addsSpecialTokens: false)
    XCTAssertEqual(encoder.encode(.text("a")), .nothingLeft)
    XCTAssertEqual(encoder.encode(.text("")), .nothingLeft)
    XCTAssertEqual(encoder.encode(.completion(prompt: "abc", completion: "")), .nothingLeft)
  }

  func testEncodesWithATokenizer() throws {
    let tokenizer = try Tokenizer(folder: Files.shared("data/gpt2-tokenizer").path)
    let encoder = ExampleEncoder(tokenizer, end: 50256, maximumLength: 8)
    XCTAssertEqual(
      encoder.encode(.completion(prompt: "Hello", completion: " world")),
      .whole(TrainingExample(ids: [15496, 995, 50256], labels: [ignored, 995, 50256])))
  }
}
