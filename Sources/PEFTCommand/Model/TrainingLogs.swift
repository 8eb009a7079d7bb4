import PEFTTraining

/// The files beside the output in which `peft train` keeps the course of a training.
struct TrainingLogs {
  /// The kinds of files.
  enum Format: String, CaseIterable { case jsonl, csv, tensorboard }

  private let sinks: [any LogSink]

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

  /// Writes an event into every file.
  func write(_ event: TrainingEvent) throws {
    if sinks.isEmpty { return }
    try write(LogEntry(event, memory: .current))
  }

  /// Writes an entry into every file.
  func write(_ entry: LogEntry) throws {
    for sink in sinks { try sink.write(entry) }
  }
}
