import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class CausalLMGenerationTests: XCTestCase {
  private let limits = GenerationLimits(newTokens: 8)

  func testGreedyTokensOfUnequalPromptsEqualTransformers() throws {
    for item in try ModelFixture.all() {
      XCTAssertEqual(
        try item.model.generate(item.rows, limits), try item.tokens("greedy"), item.name)
    }
  }

  func testRepetitionPenaltyEqualsTransformers() throws {
    let options = SamplingOptions(temperature: 0, repetitionPenalty: 1.3)
    for item in try ModelFixture.all() {
      let expected = try item.tokens("penalty")
      XCTAssertNotEqual(expected, try item.tokens("greedy"), "the penalty changes nothing")
      for (row, tokens) in zip(item.rows, expected) {
        XCTAssertEqual(try item.model.generate([row], limits, options), [tokens], item.name)
      }
      // Padding does not count as a token that occurred: a batch gives what its rows give.
      if item.name != "llama-dynamic" {
        XCTAssertEqual(try item.model.generate(item.rows, limits, options), expected, item.name)
      }
    }
  }

  func testCachedLogitsEqualUncached() throws {
    var random = SeededRandom(4)
    for item in try ModelFixture.all() {
      let ids = random.indices([2, 10], below: item.model.configuration.vocabularySize)
      let whole = item.model(ids)
      for pieces in [[5, 1, 1, 3], [10], Array(repeating: 1, count: 10), [1, 9], [9, 1]] {
        let cached = item.model.cachedLogits(ids, pieces: pieces)
        if item.name != "llama-dynamic" {
          expectLogits(cached, whole, tolerance: 1e-5, "\(item.name) \(pieces)")
          continue
        }
        // The frequencies are those of the length so far: a piece equals the end of a pass over what it ends.
        var end = 0
        for piece in pieces {
          let start = end
          end += piece
          let rows = (0..<2).flatMap { ids.row($0).prefix(end) }
          let expected = item.model(Indices(rows, shape: [2, end]))
          for row in 0..<2 {
            let places = Indices((Int32(start)..<Int32(end)).map { $0 })
            expectClose(
              cached.entry(row).rows(at: places), expected.entry(row).rows(at: places),
              absolute: 1e-5 * Double(largest(expected)), "\(item.name) \(pieces) to \(end)")
          }
        }
      }
    }
  }

  func testStopTokensEndTheirRowAndAreLeftOut() throws {
    let item = try ModelFixture("qwen2")
    let free = try item.model.generate(item.rows, limits)
    for stop in Set(free.flatMap { $0 }) {
      let stopped = try item.model.generate(
        item.rows, GenerationLimits(newTokens: 8, stopTokens: [stop]))
      XCTAssertEqual(stopped, free.map { Array($0.prefix { $0 != stop }) }, "stop at \(stop)")
    }
    let first = Set(free.map { $0[0] })
    let none = try item.model.generate(
      item.rows, GenerationLimits(newTokens: 8, stopTokens: first))
    XCTAssertEqual(none, [[], [], []])
    XCTAssertEqual(
      try item.model.generate(item.rows, GenerationLimits(newTokens: 0)), [[], [], []])
  }

  func testTokensAreStreamedInOrderAndTheCallerCanEnd() throws {
    let item = try ModelFixture("llama")
    let free = try item.model.generate(item.rows, limits)
    var seen: [(row: Int, token: Int32)] = []
    let all = try item.model.generate(item.rows, limits) { row, token in
      seen.append((row, token))
      return true
    }
    XCTAssertEqual(all, free)
    XCTAssertEqual(seen.map(\.row), (0..<8).flatMap { _ in [0, 1, 2] })
    XCTAssertEqual(seen.map(\.token), (0..<8).flatMap { step in free.map { $0[step] } })

    var calls = 0
    let ended = try item.model.generate(item.rows, limits) { _, _ in
      calls += 1
      return calls < 5
    }
    XCTAssertEqual(calls, 5)
    XCTAssertEqual(ended, [Array(free[0].prefix(2)), Array(free[1].prefix(2)), [free[2][0]]])

    // Stop tokens are not streamed.
    let stop = free[0][3]
    var streamed: [Int32] = []
    let stopped = try item.model.generate(
      [item.rows[0]], GenerationLimits(newTokens: 8, stopTokens: [stop])
    ) { _, token in
      streamed.append(token)
      return true
    }
    XCTAssertEqual([streamed], stopped)
    XCTAssertFalse(streamed.contains(stop))
  }

  func testTheSeedAloneDecidesWhatIsDrawn() throws {
    let item = try ModelFixture("gpt2-untied")
    func draw(_ seed: UInt64) throws -> [[Int32]] {
      try item.model.generate(
        item.rows, limits, SamplingOptions(temperature: 2, topK: 20, topP: 0.95, seed: seed))
    }
    let first = try draw(11)
    XCTAssertEqual(try draw(11), first)
    XCTAssertNotEqual(try draw(12), first)
    // Equal prompts in one batch draw on their own.
    let twins = try item.model.generate(
      [item.rows[0], item.rows[0]], limits, SamplingOptions(temperature: 5))
    XCTAssertNotEqual(twins[0], twins[1])
  }

  func testGenerationRecordsNothing() throws {
    let item = try ModelFixture("mistral")
    item.model.unfreeze()
    XCTAssertEqual(try item.model.generate(item.rows, limits), try item.tokens("greedy"))
    XCTAssertTrue(item.model.parameters().allSatisfy { $0.parameter.gradient == nil })
  }
}
