import PEFTAdapters
import PEFTTraining
import PEFTTransformer

/// The files beside the output in which `peft train` keeps the course of a training.
final class TrainingLogs {
  /// The kinds of files.
  enum Format: String, CaseIterable { case jsonl, csv, tensorboard }

  private let sinks: [any LogSink]
  private var ranks: [Int] = []

  /// The option from which they are read.
  static let option = Option(
    "log", "LIST",
    "Keep the course of the training in the output folder: \(Format.allCases.map(\.rawValue).joined(separator: ", ")), "
      + "between commas.")

  /// What the files are called in the output folder.
  static let names = ["log.jsonl", "log.csv", "tensorboard"]

  /// The formats that the option names.
  static func formats(_ arguments: Arguments) throws(CommandError) -> [Format] {
    var formats: [Format] = []
    for name in arguments.list("log") ?? [] {
      guard let format = Format(rawValue: name), !formats.contains(format) else {
        throw arguments.invalid(
          "log",
          expected: "some of \(Format.allCases.map(\.rawValue).joined(separator: ", ")), each once")
      }
      formats.append(format)
    }
    return formats
  }

  /// Opens the files.
  ///
  /// - Parameters:
  ///   - formats: which ones.
  ///   - folder: the output, which exists.
  ///   - step: after which step the training goes on; nil for the beginning.
  /// - Throws: `CheckpointError` where one cannot be written.
  init(_ formats: [Format], in folder: String, goingOnAfter step: Int?) throws {
    sinks = try formats.map { format in
      switch format {
      case .jsonl: try JSONLinesLog("\(folder)/log.jsonl", goingOnAfter: step)
      case .csv: try CSVLog("\(folder)/log.csv", goingOnAfter: step)
      case .tensorboard: try TensorBoardLog("\(folder)/tensorboard", goingOnAfter: step)
      }
    }
  }

  /// Writes an event into every file, and after a step the ranks of an adapter where they have changed.
  func write(_ event: TrainingEvent, _ model: some PretrainedModel) throws {
    if sinks.isEmpty { return }
    try write(LogEntry(event, memory: .current))
    if case .step(let step) = event { try writeRanks(model, step: step.progress.step) }
  }

  /// Writes what the training begins with: its settings, how much is trained, what the machine can do, and the ranks.
  func writeStart(
    _ arguments: Arguments, _ plan: TrainingPlan, _ model: some PretrainedModel
  ) throws {
    if sinks.isEmpty { return }
    let peak = MachinePeak.measured()
    var texts = arguments.written.filter { !["json", "config", "resume"].contains($0.key) }
    texts["method"] = plan.methodName
    let numbers = [
      ("trainable", Double(model.parameterCount(.trainable))),
      ("parameters", Double(model.baseParameterCount)), ("float32_gflops", peak.float32),
      ("bfloat16_gflops", peak.bfloat16),
    ]
    try write(
      LogEntry(
        "settings", step: 0, numbers: numbers.map { .init($0.0, $0.1) }, texts: texts))
    try writeRanks(model, step: 0)
  }

  /// Writes what came of the training: held-out losses, and singular values of what is added to each module.
  ///
  /// - Parameters:
  ///   - step: the weights are those after it.
  ///   - before: the held-out loss before the training; nil where it was not measured.
  ///   - after: that of the saved weights.
  ///   - model: with these weights.
  /// - Throws: `CheckpointError` where a file cannot be written.
  func writeResult(
    step: Int, before: Double?, after: Double?, _ model: some PretrainedModel
  ) throws {
    if sinks.isEmpty { return }
    let losses = [("before", before), ("after", after)].compactMap { name, value in
      value.map { LogEntry.Number(name, $0) }
    }
    try write(LogEntry("result", step: step, numbers: losses))
    // Where numbers are not finite there are none to show.
    let spectra = (try? model.adapter("default").narrowSpectra()) ?? []
    for spectrum in spectra {
      try write(
        LogEntry(
          "singular_values", step: step,
          numbers: spectrum.values.enumerated().map { .init("\($0 + 1)", Double($1)) },
          texts: ["module": spectrum.path]))
    }
  }

  private func writeRanks(_ model: some PretrainedModel, step: Int) throws {
    let found = (try? model.adapter("default"))?.ranks ?? []
    if found.map(\.rank) == ranks { return }
    ranks = found.map(\.rank)
    try write(
      LogEntry("ranks", step: step, numbers: found.map { .init($0.path, Double($0.rank)) }))
  }

  /// Writes an entry into every file.
  func write(_ entry: LogEntry) throws {
    for sink in sinks { try sink.write(entry) }
  }
}
