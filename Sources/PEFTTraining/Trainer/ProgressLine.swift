import Foundation

/// One line of text for an event of a training.
public enum ProgressLine {
  /// The line of an event, without a line feed.
  ///
  /// - Parameters:
  ///   - event: what happened.
  ///   - memory: shown at the end of steps; nil for nothing.
  /// - Returns: as `step 12/300  epoch 0.04  loss 2.3456  rate 1.00e-04  norm 0.85  1234 tokens/s  5 min 02 s left  812 MB`.
  public static func text(_ event: TrainingEvent, memory: ProcessMemory? = nil) -> String {
    switch event {
    case .step(let step):
      let parts = [
        "step \(step.progress.step)/\(step.progress.total)", "epoch \(decimal(step.epoch, 2))",
        "loss \(decimal(step.loss, 4))", "rate " + String(format: "%.2e", step.learningRate),
        "norm \(decimal(step.gradientNorm, 2))", "\(decimal(step.tokensPerSecond, 0)) tokens/s",
        "\(time(step.secondsLeft)) left",
      ]
      return (parts + (memory.map { [size($0.resident ?? $0.peak)] } ?? []))
        .joined(separator: "  ")
    case .evaluation(let evaluation):
      return "evaluation at step \(evaluation.step)  loss \(decimal(evaluation.loss, 4))  "
        + "perplexity \(decimal(exp(evaluation.loss), 2))" + (evaluation.isBest ? "  best" : "")
    case .change(let change):
      return "before step \(change.step)  \(change.name) changed from \(value(change.old)) to "
        + value(change.new)
    case .anomaly(let anomaly):
      let done =
        switch anomaly.reaction {
        case .stop: "the training ends"
        case .skip: "the step is skipped"
        case .note: "it is taken all the same"
        }
      return "\(anomaly.kind.rawValue) in step \(anomaly.step)  loss \(decimal(anomaly.loss, 4))  "
        + "norm \(decimal(anomaly.gradientNorm, 2))  \(done)"
        + (anomaly.file.map { "  batch in \($0)" } ?? "")
    case .finished(let summary):
      let speed = summary.seconds > 0 ? Double(summary.tokens) / summary.seconds : 0
      return
        "finished \(summary.steps) steps  \(summary.tokens) tokens in \(time(summary.seconds))  "
        + "\(decimal(speed, 0)) tokens/s"
        + (memory.map { "  peak \(size($0.peak))" } ?? "")
    }
  }

  /// A time in the two largest units, as `1 h 05 min`.
  private static func time(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "unknown time" }
    let whole = Int(seconds.rounded())
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60)
    if hours > 0 { return "\(hours) h \(String(format: "%02d", minutes)) min" }
    return minutes > 0 ? "\(minutes) min \(String(format: "%02d", rest)) s" : "\(rest) s"
  }

  private static func value(_ number: Double?) -> String {
    number.map { String(format: "%g", $0) } ?? "none"
  }

  private static func size(_ bytes: Int) -> String { "\((bytes + 500_000) / 1_000_000) MB" }

  private static func decimal(_ value: Double, _ places: Int) -> String {
    String(format: "%.\(places)f", value)
  }
}
