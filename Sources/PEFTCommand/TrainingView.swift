import PEFTTraining

/// Shows the events of a training: a live line on a terminal, plain lines elsewhere.
final class TrainingView {
  private let label: String
  private var progress: Progress?
  private var meanLoss: Double?
  private var stepSeconds: [Double] = []

  /// The median time of a step so far, in seconds; nil where there was none.
  var medianStep: Double? {
    stepSeconds.isEmpty ? nil : stepSeconds.sorted()[stepSeconds.count / 2]
  }

  /// Nothing is shown yet.
  init(_ label: String) { self.label = label }

  /// Ends the live line.
  func finish() { progress?.finish() }

  /// Shows an event.
  func show(_ event: TrainingEvent) {
    switch event {
    case .step(let step):
      // The loss of one batch jumps; the eye wants the trend.
      let mean = meanLoss.map { 0.9 * $0 + 0.1 * step.loss } ?? step.loss
      // A step that was left out for its loss says nothing of those that follow.
      if mean.isFinite { meanLoss = mean }
      stepSeconds.append(Double(step.tokens) / max(step.tokensPerSecond, 1e-9))
      let progress = self.progress ?? Progress(label, total: step.progress.total)
      self.progress = progress
      progress.update(step.progress.step, Self.detail(step, loss: mean))
    case .evaluation(let evaluation):
      progress?.finish()
      Console.error(ProgressLine.text(.evaluation(evaluation)))
    case .change, .anomaly:
      progress?.finish()
      Console.error(ProgressLine.text(event))
    case .finished:
      progress?.finish()
    }
  }

  /// Shows samples.
  func show(samples entries: [LogEntry]) {
    if !entries.isEmpty { progress?.finish() }
    for entry in entries {
      let line = { (text: String?) in (text ?? "").split(separator: "\n").joined(separator: " / ") }
      Console.error(
        "sample after step \(entry.step)  \(line(entry.texts["prompt"])) >> \(line(entry.texts["text"]))"
      )
    }
  }

  private static func detail(_ step: TrainingEvent.Step, loss: Double) -> String {
    let memory = ProcessMemory.current.map { "  \(($0.resident ?? $0.peak) / 1_000_000) MB" } ?? ""
    return "loss \(loss.rounded(digits: 3))  \(Int(step.tokensPerSecond).grouped) tokens/s\(memory)"
  }
}
