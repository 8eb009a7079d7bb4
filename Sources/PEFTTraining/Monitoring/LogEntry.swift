import Foundation

/// One thing that a training has to say, for the files that keep it.
public struct LogEntry: Sendable, Hashable {
  /// A quantity and its value.
  public struct Number: Sendable, Hashable {
    /// The name, as `loss`.
    public let name: String
    /// The value; may be NaN or infinite.
    public let value: Double

    /// Joins a name and a value.
    public init(_ name: String, _ value: Double) { (self.name, self.value) = (name, value) }
  }

  /// What kind of thing it is: `step`, `evaluation`, `change`, `anomaly`, `finished`, or a word of one's own.
  public var kind: String
  /// After how many steps.
  public var step: Int
  /// Seconds since 1970.
  public var time: Double
  /// The quantities.
  public var numbers: [Number]
  /// Names and texts, as samples of what the model generates.
  public var texts: [String: String]

  /// Seconds since 1970 until now.
  public static var now: Double { Date().timeIntervalSince1970 }

  /// An entry of any kind.
  public init(
    _ kind: String, step: Int, time: Double = now, numbers: [Number] = [],
    texts: [String: String] = [:]
  ) {
    (self.kind, self.step, self.time) = (kind, step, time)
    (self.numbers, self.texts) = (numbers, texts)
  }

  /// What an event of a trainer says.
  ///
  /// - Parameters:
  ///   - event: a step, an evaluation or the end.
  ///   - memory: that of the process now; nil where nobody asked.
  ///   - time: seconds since 1970.
  public init(
    _ event: TrainingEvent, memory: ProcessMemory? = nil,
    time: Double = now
  ) {
    switch event {
    case .step(let step):
      self.init(
        "step", step: step.progress.step, time: time,
        numbers: [
          Number("total", Double(step.progress.total)), Number("epoch", step.epoch),
          Number("loss", step.loss), Number("learning_rate", step.learningRate),
          Number("gradient_norm", step.gradientNorm), Number("tokens", Double(step.tokens)),
          Number("tokens_per_s", step.tokensPerSecond), Number("seconds_left", step.secondsLeft),
          Number("data_wait_s", step.dataSeconds),
        ])
      if let times = step.times {
        numbers += [
          Number("forward_s", times.forward),
          Number("backward_s", times.backward), Number("optimizer_s", times.optimizer),
          Number("gflops", times.gigaflops),
        ]
      }
      if step.isSkipped { numbers.append(Number("skipped", 1)) }
      if let resident = memory?.resident {
        numbers.append(Number("resident_bytes", Double(resident)))
      }
      if let pool = memory?.pool { numbers.append(Number("pool_bytes", Double(pool))) }
      if let pool = memory?.poolPeak { numbers.append(Number("pool_peak_bytes", Double(pool))) }
    case .evaluation(let evaluation):
      self.init(
        "evaluation", step: evaluation.step, time: time,
        numbers: [
          Number("loss", evaluation.loss), Number("labels", Double(evaluation.labels)),
          Number("best", evaluation.isBest ? 1 : 0),
        ])
    case .anomaly(let anomaly):
      self.init(
        "anomaly", step: anomaly.step, time: time,
        numbers: [
          Number("loss", anomaly.loss), Number("gradient_norm", anomaly.gradientNorm),
        ],
        texts: ["kind": anomaly.kind.rawValue, "reaction": anomaly.reaction.rawValue])
      texts["file"] = anomaly.file
    case .change(let change):
      // One that is before a step belongs to it: a training that goes on after the step before makes it again.
      self.init("change", step: change.step, time: time, texts: ["name": change.name])
      numbers = [("old", change.old), ("new", change.new)].compactMap { name, value in
        value.map { Number(name, $0) }
      }
    case .finished(let summary):
      self.init(
        "finished", step: summary.steps, time: time,
        numbers: [
          Number("tokens", Double(summary.tokens)), Number("seconds", summary.seconds),
          Number("data_wait_s", summary.dataSeconds),
        ])
      if let peak = memory?.peak { numbers.append(Number("peak_bytes", Double(peak))) }
    }
  }

  /// The same at no time.
  var timeless: LogEntry {
    var entry = self
    entry.time = 0
    return entry
  }

  /// The value of a quantity; nil where it has none of this name.
  public subscript(name: String) -> Double? { numbers.first { $0.name == name }?.value }
}

/// Keeps the entries of a training.
public protocol LogSink: AnyObject {
  /// Writes an entry so that a reader sees it.
  ///
  /// - Parameter entry: what is written, in the order of the training.
  /// - Throws: `CheckpointError.ioFailure` where it cannot be written.
  func write(_ entry: LogEntry) throws
}
