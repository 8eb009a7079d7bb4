import Foundation
import PEFTTensor
import PEFTTestSupport
import Synchronization
import XCTest

final class ParallelTests: XCTestCase {
  func testPartsCoverTheRangeOnce() {
    for count in [0, 1, 2, 3, 7, 64, 1000] {
      for grain in [0, 1, 3, 64, 5000] {
        let ranges = Guarded<[Int: Range<Int>]>([:])
        Parallel.run(count, grain: grain) { part, range in
          ranges.withLock { $0[part] = range }
        }
        let parts = ranges.withLock { $0 }
        XCTAssertEqual(parts.count, count == 0 ? 0 : Parallel.partCount(count, grain: grain))
        XCTAssertEqual(parts.keys.sorted(), Array(0..<parts.count))
        XCTAssertEqual(parts.sorted { $0.key < $1.key }.flatMap(\.value), Array(0..<count))
        if parts.count > 1 {
          XCTAssert(parts.values.allSatisfy { $0.count >= grain }, "\(count) by \(grain)")
        }
      }
    }
  }

  func testThreadsAreAtLeastOne() {
    XCTAssertGreaterThanOrEqual(Parallel.threads, 1)
    XCTAssertEqual(Parallel.partCount(0), 1)
    XCTAssertEqual(Parallel.partCount(1_000_000), Parallel.threads)
  }

  func testManyShortRuns() {
    let total = Atomic(0)
    for _ in 0..<5_000 {
      Parallel.run(4) { _, range in total.wrappingAdd(range.count, ordering: .relaxed) }
    }
    XCTAssertEqual(total.load(ordering: .relaxed), 20_000)
  }

  func testNestedRuns() {
    let total = Atomic(0)
    for _ in 0..<200 {
      Parallel.run(8) { _, outer in
        for _ in outer {
          Parallel.run(16) { _, inner in total.wrappingAdd(inner.count, ordering: .relaxed) }
        }
      }
    }
    XCTAssertEqual(total.load(ordering: .relaxed), 200 * 8 * 16)
  }

  func testRunsFromSeveralThreads() {
    let total = Atomic(0)
    DispatchQueue.concurrentPerform(iterations: 6) { _ in
      for _ in 0..<500 {
        Parallel.run(10) { _, range in total.wrappingAdd(range.count, ordering: .relaxed) }
      }
    }
    XCTAssertEqual(total.load(ordering: .relaxed), 6 * 500 * 10)
  }

  func testResultsAreTheSameBitsFromRunToRun() {
    let first = Self.step(seed: 1)
    for _ in 0..<3 { XCTAssertEqual(Self.step(seed: 1), first) }
  }

  /// Other tasks that use the workers change nothing.
  func testResultsAreTheSameBitsBesideOtherWork() {
    let expected = (0..<4).map { Self.step(seed: UInt64($0)) }
    let actual = Guarded([[Float]](repeating: [], count: 4))
    DispatchQueue.concurrentPerform(iterations: 4) { index in
      let result = Self.step(seed: UInt64(index))
      actual.withLock { $0[index] = result }
    }
    XCTAssertEqual(actual.withLock { $0 }, expected)
  }

  /// Forward and backward over products, norms and attention that are large enough to be cut up.
  private static func step(seed: UInt64) -> [Float] {
    var random = SeededRandom(seed)
    let x = Parameter(random.tensor([2, 70, 96]))
    let weight = Parameter(random.tensor([96, 96], in: -0.2...0.2))
    let scale = Parameter(random.tensor([96]))
    let bias = Parameter(random.tensor([96]))
    let normed = x.tensor.layerNorm(weight: scale.tensor, bias: bias.tensor, epsilon: 1e-5)
    let mapped = normed.linear(weight: weight.tensor, bias: bias.tensor).activated(.gelu)
    let mixed = mapped.attention(
      keys: mapped, values: normed, headWidth: 24,
      spans: AttentionSpans(keys: [0..<70, 3..<70], queries: 70, isCausal: true), scale: 0.2)
    let loss = mixed.crossEntropy(random.indices([140], below: 96))
    loss.backward()
    return [x, weight, scale, bias].reduce([loss.item]) { $0 + ($1.gradient?.array ?? []) }
  }
}
