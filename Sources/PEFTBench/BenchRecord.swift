import Foundation
import PEFT

/// The figures of one run, in the order in which they are printed.
struct BenchRecord {
  private var fields: [(name: String, value: String)] = [("who", "\"swift-peft\"")]

  mutating func add(_ name: String, _ text: String) { fields.append((name, "\"\(text)\"")) }
  mutating func add(_ name: String, _ number: Int) { fields.append((name, "\(number)")) }
  mutating func add(_ name: String, _ number: Double) { fields.append((name, "\(number)")) }

  /// Adds the peak memory of this process.
  mutating func addPeakMemory() {
    guard let memory = ProcessMemory.current else { return }
    add("peak_rss_mb", Double(memory.peak) / 1_048_576)
  }

  /// One JSON object.
  var line: String {
    "{" + fields.map { "\"\($0.name)\": \($0.value)" }.joined(separator: ", ") + "}"
  }
}

/// Seconds that `body` takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let duration = try clock.measure(body)
  return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}
