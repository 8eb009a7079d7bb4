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
    /// Whether every method searches for its learning rate.
    var isSearching = false
    /// How often each method is timed in turn with LoRA.
    var timings = 0
  }

  /// What the methods have in common.
  let task: Task
  /// How the methods did, in the order of the table.
  private(set) var outcomes: [MethodOutcome] = []
  /// The held-out loss of the base.
  private(set) var baseLoss = Double.nan
  /// The folder for everything.
  let output: String
  private let records: RunRecords

  /// A comparison that was made before.
  init(_ task: Task, _ outcomes: [MethodOutcome], baseLoss: Double) {
    self.init(task, output: "")
    (self.outcomes, self.baseLoss) = (outcomes, baseLoss)
  }

  /// Nothing is trained yet; everything will be written below `output`.
  init(_ task: Task, output: String) {
    (self.task, self.output) = (task, output)
    records = RunRecords("\(output)/logs", files: [task.data, task.evaluation])
  }

  /// Trains and measures; `show` gets every method that is finished.
  mutating func run(_ methods: [ComparedMethod], show: (MethodOutcome) -> Void) throws {
    for folder in ["logs", "runs"] { try makeFolder("\(output)/\(folder)") }
    if task.isSearching { try splitRows() }
    let model = try ModelFolder(task.model ?? ModelFolder.builtInPath()).model
    let untrained = try measure(base, log: "base-evaluate")
    guard let loss = untrained.result?["loss"]?.number else {
      throw CommandError.unusable(path: task.evaluation, reason: untrained.fault)
    }
    baseLoss = loss
    let progress = Progress("comparing", total: methods.count)
    for (index, method) in methods.enumerated() {
      let start = ContinuousClock.now
      var outcome = MethodOutcome(method)
      do {
        outcome.size = try method.size(model, task)
        progress.update(index, method.name)
        if task.isSearching { try search(&outcome) }
        for seed in 0..<task.seeds where outcome.fault == nil {
          progress.update(index, "\(method.name), seed \(seed)")
          try train(&outcome, seed: seed)
        }
        if task.timings > 0, outcome.fault == nil {
          progress.update(index, "\(method.name), in turn with LoRA")
          try time(&outcome, model)
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
      "train", options(outcome) + ["--seed", "\(seed)", "--output", folder], name, product: folder)
    guard let training = trained.result else {
      outcome.fault = trained.fault
      return
    }
    let place = try place(folder, outcome.method)
    let measured = try measure(place, log: "\(name)-evaluate")
    guard let loss = measured.result?["loss"]?.number else {
      outcome.fault = measured.fault
      return
    }
    let content = try FolderContent(folder)
    outcome.losses.append(loss)
    outcome.trainable = training["trainable"]?.integer
    outcome.adapterBytes = content.byteCount
    if let step = training["median_step_s"]?.number { outcome.stepSeconds.append(step) }
    if let peak = training["peak_bytes"]?.integer {
      outcome.peakBytes = max(peak, outcome.peakBytes ?? 0)
    }
    if seed == 0 {
      outcome.merging = content.kind == .adapter ? try merge(place, name) : .unneeded
    }
  }

  private func merge(_ place: [String], _ name: String) throws -> MethodOutcome.Merging {
    let merged = "\(output)/runs/\(name)-merged"
    defer { try? FileManager.default.removeItem(atPath: merged) }
    let merging = try child("merge", place + ["--output", merged], "\(name)-merge")
    guard let difference = merging.result?["written_difference"]?.number else {
      return .impossible(merging.fault)
    }
    return .done(difference: difference)
  }

  /// The options that name what was trained into a folder: a model, or an adapter and its base.
  func place(_ folder: String, _ method: ComparedMethod) throws -> [String] {
    if try FolderContent(folder).kind != .adapter { return ["--model", folder] }
    // A base that was changed for the adapter stands beside it.
    let changed = "\(folder)/base"
    let base = FileManager.default.fileExists(atPath: changed) ? ["--model", changed] : self.base
    return base + method.base + ["--adapter", folder]
  }

  /// Measures what options name on rows; the held-out ones where nothing is said.
  func measure(
    _ place: [String], on rows: String? = nil, log: String
  ) throws -> ChildProcess {
    let words = ["--data", rows ?? task.evaluation, "--max-length", "\(task.maximumLength)"]
    return try child("evaluate", place + words, log)
  }

  /// Runs a command, unless the same was run before and what it wrote is still there.
  func child(
    _ command: String, _ words: [String], _ log: String, product: String? = nil
  ) throws -> ChildProcess {
    let words = [command] + words
    if let result = records.result(log, words, product: product) {
      return ChildProcess(result: result)
    }
    let process = try ChildProcess(words, log: "\(output)/logs/\(log).txt")
    if let result = process.result { try records.keep(result, log, words) }
    return process
  }

  private var base: [String] { task.model.map { ["--model", $0] } ?? [] }

  /// The options of a training, without the seed and the output.
  ///
  /// - Parameters:
  ///   - outcome: with the method, its size and its learning rate.
  ///   - rows: the file to learn from; nil for the task's.
  ///   - steps: how many; nil for the task's.
  /// - Returns: the words.
  func options(_ outcome: MethodOutcome, rows: String? = nil, steps: Int? = nil) -> [String] {
    let steps = steps ?? task.steps
    return base + [
      "--data", rows ?? task.data, "--steps", "\(steps)", "--batch", "\(task.batchSize)",
      "--max-length", "\(task.maximumLength)", "--learning-rate",
      "\(outcome.rate * task.rateFactor)", "--warmup", "\(min(10, steps / 5))",
    ] + outcome.method.words(task.run(size: outcome.size))
  }
}
