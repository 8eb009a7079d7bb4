import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class CausalLMCheckingTests: XCTestCase {
  func testTokensOutsideTheVocabulary() throws {
    let model = try ModelFixture("llama").model
    expectError(ModelError.tokenOutOfRange(row: 1, place: 1, token: 48, vocabularySize: 48)) {
      try model.check(Indices([1, 2, 3, 48], shape: [2, 2]))
    }
    expectError(ModelError.tokenOutOfRange(row: 0, place: 0, token: -1, vocabularySize: 48)) {
      try model.check(Indices([-1], shape: [1, 1]))
    }
    expectError(ModelError.tokenOutOfRange(row: 1, place: 0, token: 99, vocabularySize: 48)) {
      _ = try model.generate([[1], [99]], GenerationLimits(newTokens: 1))
    }
    XCTAssertNoThrow(try model.check(Indices([0, 47], shape: [1, 2])))
  }

  func testLabelsOutsideTheVocabulary() throws {
    let model = try ModelFixture("llama").model
    for label: Int32 in [48, -1, -101] {
      expectError(ModelError.labelOutOfRange(row: 0, place: 1, label: label, vocabularySize: 48)) {
        try model.check(TokenBatch(rows: [[1, 2]], labels: [[-100, label]]))
      }
    }
    XCTAssertNoThrow(try model.check(TokenBatch(rows: [[1, 2]], labels: [[-100, 47]])))
  }

  func testMoreTokensThanLearnedPositions() throws {
    let model = try ModelFixture("gpt2").model
    let long = [Int32](repeating: 1, count: 25)
    expectError(ModelError.tooManyTokens(row: 0, tokens: 25, newTokens: 0, maximum: 24)) {
      try model.check(Indices(long, shape: [1, 25]))
    }
    expectError(ModelError.tooManyTokens(row: 0, tokens: 25, newTokens: 0, maximum: 24)) {
      try model.check(TokenBatch(rows: [long, [1]]))
    }
    expectError(ModelError.tooManyTokens(row: 1, tokens: 25, newTokens: 1, maximum: 24)) {
      _ = try model.generate([[1], long], GenerationLimits(newTokens: 1))
    }
    // The last token that is generated needs no position.
    let prompt = [Int32](repeating: 1, count: 20)
    XCTAssertEqual(try model.generate([prompt], GenerationLimits(newTokens: 5))[0].count, 5)
    expectError(ModelError.tooManyTokens(row: 0, tokens: 20, newTokens: 6, maximum: 24)) {
      _ = try model.generate([prompt], GenerationLimits(newTokens: 6))
    }
    expectError(ModelError.tooManyTokens(row: 0, tokens: 1, newTokens: .max, maximum: 24)) {
      _ = try model.generate([[1]], GenerationLimits(newTokens: .max))
    }
  }

  func testRotaryPositionsHaveNoEnd() throws {
    // 8 positions trained.
    let model = try ModelFixture("llama-dynamic").model
    let long = [Int32](repeating: 1, count: 20)
    XCTAssertNoThrow(try model.check(Indices(long, shape: [1, 20])))
    XCTAssertEqual(try model.generate([long], GenerationLimits(newTokens: 3))[0].count, 3)
  }

  func testPromptsWithoutTokens() throws {
    let model = try ModelFixture("gpt2").model
    expectError(ModelError.empty(row: 0)) {
      _ = try model.generate([], GenerationLimits(newTokens: 1))
    }
    expectError(ModelError.empty(row: 1)) {
      _ = try model.generate([[1], []], GenerationLimits(newTokens: 1))
    }
  }

  func testKeysOutsideTheirRow() throws {
    let model = try ModelFixture("gpt2").model
    let ids = Indices([1, 2, 3, 4], shape: [2, 2])
    expectError(ModelError.keysOutOfRange(row: 1, keys: 0..<3, length: 2)) {
      try model.check(ids, keys: [0..<2, 0..<3])
    }
    expectError(ModelError.keysOutOfRange(row: 0, keys: -1..<2, length: 2)) {
      try model.check(ids, keys: [-1..<2, 0..<2])
    }
  }

  func testDescriptionsSayWhatToDo() {
    let errors: [(ModelError, String)] = [
      (.empty(row: 2), "row 2 has no tokens"),
      (
        .tokenOutOfRange(row: 1, place: 3, token: 9, vocabularySize: 8),
        "token 9 at place 3 of row 1 is outside the vocabulary 0..<8; does the tokenizer belong to "
          + "this model?"
      ),
      (
        .labelOutOfRange(row: 1, place: 3, label: -7, vocabularySize: 8),
        "label -7 at place 3 of row 1 is outside the vocabulary 0..<8 and not -100"
      ),
      (
        .tooManyTokens(row: 0, tokens: 30, newTokens: 0, maximum: 24),
        "row 0 has 30 tokens, and the model has 24 positions; shorten it"
      ),
      (
        .tooManyTokens(row: 0, tokens: 20, newTokens: 9, maximum: 24),
        "row 0 has 20 tokens and 9 more are to be generated, and the model has 24 positions; "
          + "shorten the prompt or generate fewer"
      ),
      (
        .keysOutOfRange(row: 0, keys: 1..<4, length: 3),
        "the keys 1..<4 of row 0 leave its 3 places"
      ),
    ]
    for (error, text) in errors { XCTAssertEqual(error.description, text) }
  }
}
