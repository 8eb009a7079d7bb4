import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTraining

/// What the folder of a training tells about it.
struct RunLog {
  /// The folder.
  let path: String
  /// The entries in the order of the file.
  let entries: [LogEntry]
  /// The fields of `adapter_config.json`; empty where no adapter was saved.
  let adapter: [JSON.Member]

  /// Reads a folder that `peft train --log jsonl` wrote.
  ///
  /// - Throws: `CommandError.unusable` where it holds no log or the log no step; `CheckpointError` where it cannot be read.
  init(_ path: String) throws {
    self.path = path
    let log = "\(path)/log.jsonl"
    guard FileManager.default.fileExists(atPath: log) else {
      throw CommandError.unusable(
        path: path, reason: "holds no log.jsonl; train with --log jsonl to have one")
    }
    entries = try JSONLinesLog.read(log)
    let file = try? ConfigurationFile(path: "\(path)/adapter_config.json")
    adapter = file?.members ?? []
    if steps.isEmpty {
      throw CommandError.unusable(path: log, reason: "has no step yet")
    }
  }

  /// The steps, each once.
  var steps: [LogEntry] { entries(of: "step") }
  /// The evaluations on held-out data.
  var evaluations: [LogEntry] { entries(of: "evaluation") }
  /// What it began with; nil in a log of another program.
  var settings: LogEntry? { entries.first { $0.kind == "settings" } }
  /// What came of it; nil while it runs.
  var result: LogEntry? { entries.last { $0.kind == "result" } }

  /// The entries of a kind.
  func entries(of kind: String) -> [LogEntry] { entries.filter { $0.kind == kind } }

  /// A quantity of the steps.
  func curve(_ name: String, per unit: Double = 1) -> [(x: Double, y: Double)] {
    Self.curve(steps, name, per: unit)
  }

  /// A quantity of some entries.
  static func curve(
    _ entries: [LogEntry], _ name: String, per unit: Double = 1
  ) -> [(x: Double, y: Double)] {
    entries.compactMap { entry in entry[name].map { (Double(entry.step), $0 / unit) } }
  }

  /// The ranks after the last step that changed them.
  var ranks: [(path: String, value: Int)] {
    let last = entries.last { $0.kind == "ranks" }
    return last?.numbers.compactMap { number in
      Int(exactly: number.value).map { (number.name, $0) }
    } ?? []
  }

  /// The ranks of all modules together, where an allocation changes them.
  var rankSums: [(x: Double, y: Double)] {
    let sums = entries(of: "ranks").map { entry in
      (x: Double(entry.step), y: entry.numbers.reduce(0) { $0 + $1.value })
    }
    guard sums.count > 1, let last = sums.last, let end = steps.last?.step else { return [] }
    return sums + (Double(end) > last.x ? [(Double(end), last.y)] : [])
  }

  /// The singular values of what was added to each module.
  var spectra: [(path: String, values: [Double])] {
    var order: [String] = []
    var values: [String: [Double]] = [:]
    for entry in entries(of: "singular_values") {
      guard let path = entry.texts["module"] else { continue }
      if values[path] == nil { order.append(path) }
      values[path] = entry.numbers.map(\.value)
    }
    return order.map { ($0, values[$0] ?? []) }
  }

  /// For each prompt what was written first and last.
  var samples: [(prompt: String, first: LogEntry, last: LogEntry)] {
    var order: [String] = []
    var found: [String: (LogEntry, LogEntry)] = [:]
    for entry in entries(of: "sample") {
      let prompt = entry.texts["prompt"] ?? ""
      if found[prompt] == nil { order.append(prompt) }
      found[prompt] = (found[prompt]?.0 ?? entry, entry)
    }
    return order.compactMap { prompt in found[prompt].map { (prompt, $0.0, $0.1) } }
  }

  /// The median of a quantity of the steps.
  func median(_ name: String) -> Double? {
    let values = steps.compactMap { $0[name] }.filter(\.isFinite).sorted()
    return values.isEmpty ? nil : values[values.count / 2]
  }
}
