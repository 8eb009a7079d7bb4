import Foundation
import PEFTCheckpoints
import PEFTJSON

extension Comparison {
  /// The learning rates that every method tries.
  static let rates = [1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1]
  /// A seed that the figures of the table do not use.
  private static let searchSeed = 1000

  private var searchRows: String { "\(output)/search.jsonl" }
  private var validationRows: String { "\(output)/validation.jsonl" }

  /// Cuts the rows to learn from in two, for the search alone: every tenth prompt is measured on, with all of its rows.
  func splitRows() throws {
    let data = FileManager.default.contents(atPath: task.data) ?? Data()
    var numbers: [String: Int] = [:]
    var parts: (learned: [UInt8], measured: [UInt8]) = ([], [])
    for line in data.split(separator: UInt8(ascii: "\n")) {
      let text = String(decoding: line, as: UTF8.self)
      let prompt = (try? JSON(parsing: Array(line)))?["prompt"]?.string ?? text
      let number = numbers[prompt, default: numbers.count]
      numbers[prompt] = number
      if number % 10 == 9 {
        parts.measured += line + [UInt8(ascii: "\n")]
      } else {
        parts.learned += line + [UInt8(ascii: "\n")]
      }
    }
    if parts.measured.isEmpty {
      throw CommandError.unusable(
        path: task.data,
        reason: "has \(numbers.count) prompts, and --search needs ten to hold one back")
    }
    try writeIfOther(parts.learned, to: searchRows)
    try writeIfOther(parts.measured, to: validationRows)
  }

  /// Tries all rates with one seed, and takes the best.
  func search(_ outcome: inout MethodOutcome) throws {
    var fault = ""
    for rate in Self.rates {
      let name = "\(outcome.method.name)-rate-\(rate)"
      let folder = "\(output)/runs/\(name)"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      outcome.rate = rate
      let words = options(outcome, rows: searchRows)
      let trained = try child(
        "train",
        words + [
          "--evaluation", validationRows, "--seed", "\(Self.searchSeed)", "--output", folder,
        ], name)
      if trained.result == nil { fault = trained.fault }
      outcome.trials.append((rate, trained.result?["after"]?.number))
    }
    let finite = outcome.trials.filter { $0.loss?.isFinite == true }
    guard let best = finite.min(by: { ($0.loss ?? .nan) < ($1.loss ?? .nan) }) else {
      outcome.fault = fault.isEmpty ? "no learning rate led to a finite loss" : fault
      return
    }
    outcome.rate = best.rate
  }
}

/// Writes a file that holds something else so far, and leaves others with their time of change.
func writeIfOther(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
  if FileManager.default.contents(atPath: path).map(Array.init) == bytes { return }
  try atomicallyWrite(bytes, to: path)
}
