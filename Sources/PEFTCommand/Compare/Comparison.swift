import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTransformer

/// Trains methods one after the other on the same rows, each seed of each in a process of its own.
struct Comparison {
  /// What the methods have in common.
  struct Task {
    /// The folder of the base; nil for the built-in model.
    var model: String?
    /// The rows to learn from.
    var data: String
    /// The rows to measure on.
    var evaluation: String
    var steps: Int
    var batchSize: Int
    var maximumLength: Int
    /// How many seeds each method is trained with: 0, 1, and so on.
    var seeds: Int
    /// The rank of the LoRA that sets how much every method trains.
    var rank: Int
    /// About how many parameters each method trains.
    var budget: Int
    /// Multiplies every learning rate.
    var rateFactor: Double
  }

  /// What the methods have in common.
  let task: Task
  /// How the methods did, in the order of the table.
  private(set) var outcomes: [MethodOutcome] = []
  /// The held-out loss of the base.
  private(set) var baseLoss = Double.nan
  private let output: String

  /// A comparison that was made before.
  init(_ task: Task, _ outcomes: [MethodOutcome], baseLoss: Double) {
    (self.task, self.outcomes, self.baseLoss, output) = (task, outcomes, baseLoss, "")
  }

  /// Nothing is trained yet; everything will be written below `output`.
  init(_ task: Task, output: String) { (self.task, self.output) = (task, output) }

  /// Trains and measures; `show` gets every method that is finished.
  mutating func run(_ methods: [ComparedMethod], show: (MethodOutcome) -> Void) throws {
    for folder in ["logs", "runs"] { try makeFolder("\(output)/\(folder)") }
    let model = try ModelFolder(task.model ?? ModelFolder.builtInPath()).model
    let base = try measure([], log: "base-evaluate")
    guard let loss = base.result?["loss"]?.number else {
      throw CommandError.unusable(path: task.evaluation, reason: base.fault)
    }
    baseLoss = loss
    let progress = Progress("comparing", total: methods.count * task.seeds)
    for (index, method) in methods.enumerated() {
      let start = ContinuousClock.now
      var outcome = MethodOutcome(method)
      do {
        outcome.size = try method.size(model, task)
        for seed in 0..<task.seeds where outcome.fault == nil {
          progress.update(index * task.seeds + seed, "\(method.name), seed \(seed)")
          try train(&outcome, seed: seed)
        }
      } catch { outcome.fault = "\(error)" }
      outcome.seconds = (ContinuousClock.now - start).seconds
      outcomes.append(outcome)
      progress.finish()
      show(outcome)
    }
  }

  /// One seed: trains, measures what was saved, and with the first seed merges it.
  private func train(_ outcome: inout MethodOutcome, seed: Int) throws {
    let name = "\(outcome.method.name)-\(seed)"
    let folder = "\(output)/runs/\(name)"
    let trained = try child(
      "train", options(outcome) + ["--seed", "\(seed)", "--output", folder], name)
    guard let training = trained.result else {
      outcome.fault = trained.fault
      return
    }
    let content = try FolderContent(folder)
    let place = [content.kind == .adapter ? "--adapter" : "--model", folder]
    let measured = try measure(place, log: "\(name)-evaluate")
    guard let loss = measured.result?["loss"]?.number else {
      outcome.fault = measured.fault
      return
    }
    outcome.losses.append(loss)
    outcome.trainable = training["trainable"]?.integer
    outcome.adapterBytes = content.byteCount
    if let seconds = training["train_s"]?.number, let steps = training["steps"]?.integer, steps > 0
    {
      outcome.stepSeconds.append(seconds / Double(steps))
    }
    if let peak = training["peak_bytes"]?.integer {
      outcome.peakBytes = max(peak, outcome.peakBytes ?? 0)
    }
    if seed == 0 {
      outcome.merging = content.kind == .adapter ? try merge(folder, name) : .unneeded
    }
  }

  private func merge(_ adapter: String, _ name: String) throws -> MethodOutcome.Merging {
    let merged = "\(output)/runs/\(name)-merged"
    defer { try? FileManager.default.removeItem(atPath: merged) }
    let words = base + ["--adapter", adapter, "--output", merged]
    let merging = try child("merge", words, "\(name)-merge")
    guard let difference = merging.result?["written_difference"]?.number else {
      return .impossible(merging.fault)
    }
    return .done(difference: difference)
  }

  private func measure(_ place: [String], log: String) throws(CommandError) -> ChildProcess {
    let model = place.first == "--model" ? [] : base
    let words =
      model + place + ["--data", task.evaluation, "--max-length", "\(task.maximumLength)"]
    return try child("evaluate", words, log)
  }

  private func child(
    _ command: String, _ words: [String], _ log: String
  ) throws(CommandError) -> ChildProcess {
    try ChildProcess([command] + words, log: "\(output)/logs/\(log).txt")
  }

  private var base: [String] { task.model.map { ["--model", $0] } ?? [] }

  /// The options of a training, without the seed and the output.
  func options(_ outcome: MethodOutcome) -> [String] {
    let rate = outcome.method.rate.rawValue * task.rateFactor
    return base + [
      "--data", task.data, "--steps", "\(task.steps)", "--batch", "\(task.batchSize)",
      "--max-length", "\(task.maximumLength)", "--learning-rate", "\(rate)",
      "--warmup", "\(min(10, task.steps / 5))",
    ] + outcome.method.options(task.run(size: outcome.size))
  }
}
