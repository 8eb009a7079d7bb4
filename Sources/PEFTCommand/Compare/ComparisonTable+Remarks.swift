extension ComparisonTable {
  /// How far behind LoRA a method is remarked upon, in nats.
  private static let gap = 0.05

  /// What does not show in the figures: failures, why something is not merged, and why something is behind LoRA.
  var remarks: [String] { failures + notMerged + behind }

  private var failures: [String] {
    comparison.outcomes.compactMap { outcome in
      outcome.fault.map { "\(outcome.method.title) failed: \($0)" }
    }
  }

  private var notMerged: [String] {
    comparison.outcomes.compactMap { outcome in
      guard case .impossible(let reason) = outcome.merging else { return nil }
      return "\(outcome.method.title) is not merged: \(reason)"
    }
  }

  private var behind: [String] {
    guard let lora = comparison.outcomes.first(where: { $0.method.name == "lora" })?.loss else {
      return []
    }
    return comparison.outcomes.compactMap { outcome in
      guard let loss = outcome.loss, loss - lora > Self.gap else { return nil }
      let figure = "\(outcome.method.title) is \((loss - lora).rounded(digits: 2)) nats behind LoRA"
      let reasons = [fewness(outcome), outcome.method.reason].compactMap { $0 }
      return reasons.isEmpty ? figure : figure + ": " + reasons.joined(separator: "; ")
    }
  }

  /// That a method trains far less, where it does.
  private func fewness(_ outcome: MethodOutcome) -> String? {
    let budget = comparison.task.budget
    guard let trained = outcome.trainable, Double(trained) < 0.75 * Double(budget) else {
      return nil
    }
    return "it trains \(trained.grouped) parameters, not \(budget.grouped), because "
      + (outcome.method.sizes == nil
        ? "it has no size to choose"
        : "no size that it has, or that a step has time for, comes nearer")
  }
}
