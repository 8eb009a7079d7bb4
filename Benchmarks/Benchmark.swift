import Foundation
import PEFT
import XCTest

/// A row of figures: skipped unless `RUN_BENCHMARKS=1`, best run with `swift test -c release --filter Benchmarks`.
enum Benchmark {
  /// Skips a test that nobody asked for.
  static func skipUnlessAsked() throws {
    guard ProcessInfo.processInfo.environment["RUN_BENCHMARKS"] == "1" else {
      throw XCTSkip("set RUN_BENCHMARKS=1 to run this")
    }
  }

  /// Runs candidates in turn and prints one JSON line for each: median, least and largest of the seconds.
  ///
  /// One round before is not counted. Each candidate returns a number, of which `check` says whether it is right.
  static func run(
    _ name: String, rounds: Int = 5, _ candidates: KeyValuePairs<String, () -> Float>,
    check: (Float) -> Bool, file: StaticString = #filePath, line: UInt = #line
  ) {
    var times = candidates.map { _ in [Double]() }
    for round in 0...rounds {
      for (index, candidate) in candidates.enumerated() {
        var answer: Float = .nan
        let duration = ContinuousClock().measure { answer = candidate.value() }
        XCTAssert(check(answer), "\(name) \(candidate.key): \(answer)", file: file, line: line)
        if round > 0 {
          times[index].append(
            Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18)
        }
      }
    }
    for (candidate, values) in zip(candidates, times) {
      let sorted = values.sorted()
      print(
        "{\"row\": \"\(name)\", \"candidate\": \"\(candidate.key)\", \"median_s\": \(sorted[sorted.count / 2]), "
          + "\"min_s\": \(sorted[0]), \"max_s\": \(sorted[sorted.count - 1])}")
    }
  }
}
