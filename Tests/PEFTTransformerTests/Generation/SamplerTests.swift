import Foundation
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class SamplerTests: XCTestCase {
  private let logits: [Float] = [1.5, -0.5, 3, 0, 2.5, -2, 2.75, 1]

  /// The softmax of logits over the tokens that are kept, in double precision.
  private func softmax(_ logits: [Float], temperature: Double, kept: Set<Int>) -> [Double] {
    let weights = logits.enumerated().map { index, value in
      kept.contains(index) ? exp(Double(value) / temperature) : 0
    }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  private func probabilities(_ options: SamplingOptions, after seen: [Int32] = []) -> [Double] {
    var result = [Double](repeating: 0, count: logits.count)
    let candidates = options.candidates(logits, after: seen)
    let sum = candidates.reduce(0) { $0 + $1.weight }
    for (token, weight) in candidates { result[Int(token)] = weight / sum }
    return result
  }

  private func expectEqual(
    _ actual: [Double], _ expected: [Double], file: StaticString = #filePath, line: UInt = #line
  ) {
    expectClose(actual.map(Float.init), expected, absolute: 1e-6, file: file, line: line)
  }

  func testTemperature() {
    let all = Set(logits.indices)
    for temperature in [0.25, 1, 3] {
      expectEqual(
        probabilities(SamplingOptions(temperature: Float(temperature))),
        softmax(logits, temperature: temperature, kept: all))
    }
    XCTAssertEqual(probabilities(.greedy), [0, 0, 1, 0, 0, 0, 0, 0])
    // The limit of a small temperature is the most likely token, not an overflow.
    expectEqual(
      probabilities(SamplingOptions(temperature: 1e-38)), [0, 0, 1, 0, 0, 0, 0, 0])
  }

  func testTopK() {
    expectEqual(
      probabilities(SamplingOptions(topK: 3)), softmax(logits, temperature: 1, kept: [2, 6, 4]))
    expectEqual(
      probabilities(SamplingOptions(temperature: 2, topK: 1)), [0, 0, 1, 0, 0, 0, 0, 0])
    expectEqual(
      probabilities(SamplingOptions(topK: 100)),
      softmax(logits, temperature: 1, kept: Set(logits.indices)))
  }

  func testTopPKeepsTheFewestThatReachIt() {
    let p = softmax(logits, temperature: 1, kept: Set(logits.indices))
    let order = [2, 6, 4, 0, 7, 3, 1, 5]
    var sum = 0.0
    for (count, token) in order.enumerated() {
      let kept = Set(order.prefix(count + 1))
      // Just above what the earlier tokens have, and just below what these have.
      for limit in [sum + 1e-4, sum + p[token] - 1e-4] where limit > 0 {
        expectEqual(
          probabilities(SamplingOptions(topP: Float(limit))),
          softmax(logits, temperature: 1, kept: kept))
      }
      sum += p[token]
    }
    expectEqual(probabilities(SamplingOptions(topP: 1)), p)
  }

  func testTopPCountsWhatTopKLeavesAfterTemperature() {
    // Of [2, 6, 4] at temperature 2 the first two have more than 0.6 and less than 0.8.
    let three = softmax(logits, temperature: 2, kept: [2, 6, 4])
    XCTAssertTrue(three[2] < 0.6 && three[2] + three[6] > 0.6 && three[2] + three[6] < 0.8)
    expectEqual(
      probabilities(SamplingOptions(temperature: 2, topK: 3, topP: 0.6)),
      softmax(logits, temperature: 2, kept: [2, 6]))
    expectEqual(probabilities(SamplingOptions(temperature: 2, topK: 3, topP: 0.8)), three)
  }

  func testRepetitionPenaltyCountsATokenOnce() {
    var changed = logits
    changed[2] /= 1.5
    changed[1] *= 1.5
    expectEqual(
      probabilities(SamplingOptions(repetitionPenalty: 1.5), after: [2, 1, 2, 2]),
      softmax(changed, temperature: 1, kept: Set(logits.indices)))
    // 3 / 1.5 is below 2.75.
    XCTAssertEqual(
      SamplingOptions(temperature: 0, repetitionPenalty: 1.5).candidates(logits, after: [2])[0]
        .token, 6)
  }

  func testDrawsFollowTheProbabilities() {
    let settings = [
      SamplingOptions(seed: 1), SamplingOptions(temperature: 2, seed: 2),
      SamplingOptions(topK: 4, seed: 3), SamplingOptions(topP: 0.9, seed: 4),
      SamplingOptions(temperature: 0.7, topK: 6, topP: 0.95, repetitionPenalty: 1.2, seed: 5),
    ]
    let draws = 20_000
    for options in settings {
      let seen: [Int32] = [2, 5]
      let expected = probabilities(options, after: seen)
      var sampler = Sampler(options)
      var counts = [Int](repeating: 0, count: logits.count)
      for _ in 0..<draws { counts[Int(sampler.next(logits, after: seen))] += 1 }
      var (chiSquare, cells) = (0.0, 0)
      for (count, p) in zip(counts, expected) {
        if p == 0 {
          XCTAssertEqual(count, 0, "\(options)")
        } else {
          let difference = Double(count) - p * Double(draws)
          chiSquare += difference * difference / (p * Double(draws))
          cells += 1
        }
      }
      // With at most 7 degrees of freedom less than one seed in 100,000 gives more than 35.
      XCTAssertLessThan(chiSquare, 35, "\(options)")
      XCTAssertGreaterThan(cells, 1)
    }
  }

  func testSeedsAreReproducible() {
    func draws(_ seed: UInt64) -> [Int32] {
      var sampler = Sampler(SamplingOptions(temperature: 3, seed: seed))
      return (0..<50).map { _ in sampler.next(logits, after: []) }
    }
    XCTAssertEqual(draws(7), draws(7))
    XCTAssertNotEqual(draws(7), draws(8))
  }
}
