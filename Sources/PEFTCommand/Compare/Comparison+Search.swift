import Foundation
import PEFTCheckpoints
import PEFTJSON

extension Comparison {
  /// The learning rates that can be tried.
  private static let rates = [
    1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1, 3,
  ]
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

  /// Goes from the usual rate of a method down, or else up, as long as the loss falls, and takes the best.
  ///
  /// That is the best of all where the loss falls towards it from both sides; every method gets what the same rule gives it.
  func search(_ outcome: inout MethodOutcome) throws {
    func distance(_ rate: Double) -> Double { abs(log(rate / outcome.method.rate)) }
    let start = Self.rates.indices.min { distance(Self.rates[$0]) < distance(Self.rates[$1]) } ?? 0
    var fault = ""
    func loss(_ index: Int) throws -> Double {
      let trial = try self.trial(&outcome, rate: Self.rates[index])
      if trial.loss == nil { fault = trial.fault }
      return trial.loss ?? .infinity
    }
    var best = (index: start, loss: try loss(start))
    for direction in [-1, 1] {
      let before = best.index
      while Self.rates.indices.contains(best.index + direction) {
        let next = try loss(best.index + direction)
        if next >= best.loss { break }
        best = (best.index + direction, next)
      }
      if best.index != before { break }
    }
    outcome.rate = Self.rates[best.index]
    if !best.loss.isFinite {
      outcome.fault = fault.isEmpty ? "no learning rate led to a finite loss" : fault
    }
  }

  /// Trains at a rate and measures on the rows that are held back; no loss where that failed.
  private func trial(
    _ outcome: inout MethodOutcome, rate: Double
  ) throws -> (loss: Double?, fault: String) {
    let name = "\(outcome.method.name)-rate-\(rate)"
    let folder = "\(output)/runs/\(name)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    outcome.rate = rate
    let trained = try child(
      "train",
      options(outcome, rows: searchRows) + [
        "--evaluation", validationRows, "--seed", "\(Self.searchSeed)", "--output", folder,
      ], name)
    let loss = trained.result?["after"]?.number.flatMap { $0.isFinite ? $0 : nil }
    outcome.trials.append((rate, loss))
    return (loss, trained.fault)
  }
}

/// Writes a file that holds something else so far, and leaves others with their time of change.
func writeIfOther(_ bytes: [UInt8], to path: String) throws(CheckpointError) {
  if FileManager.default.contents(atPath: path).map(Array.init) == bytes { return }
  try atomicallyWrite(bytes, to: path)
}
