import PEFTJSON

/// The figures of a comparison as text and for programs.
struct ComparisonTable {
  /// What was compared.
  let comparison: Comparison
  /// How long everything took.
  let seconds: Double

  /// The figures, which took some seconds.
  init(_ comparison: Comparison, seconds: Double) {
    (self.comparison, self.seconds) = (comparison, seconds)
  }

  /// The titles of the columns.
  static let titles = [
    "method", "trained", "adapter bytes", "held-out loss (least to largest)", "ms a step",
    "peak MB", "mergeable", "took s",
  ]
  private static let widths = [18, 9, 13, 32, 9, 7, 9, 6]

  /// The cells of a row.
  static func cells(_ outcome: MethodOutcome) -> [String] {
    let loss = outcome.loss.map {
      "\($0.rounded(digits: 3)) (\((outcome.losses.min() ?? $0).rounded(digits: 3)) to "
        + "\((outcome.losses.max() ?? $0).rounded(digits: 3)))"
    }
    return [
      outcome.method.title, outcome.trainable?.grouped ?? "-",
      outcome.adapterBytes?.grouped ?? "-", loss ?? "-",
      outcome.medianStepSeconds.map { (1000 * $0).rounded(digits: 1) } ?? "-",
      outcome.peakBytes.map { "\($0 / 1_000_000)" } ?? "-", word(outcome.merging),
      outcome.seconds.rounded(digits: 1),
    ]
  }

  private static func word(_ merging: MethodOutcome.Merging?) -> String {
    switch merging {
    case .done: "yes"
    case .impossible: "no"
    case .unneeded, nil: "-"
    }
  }

  /// A row for the terminal; what failed stands behind it.
  static func line(_ outcome: MethodOutcome) -> String {
    line(cells(outcome)) + (outcome.fault.map { "\n  \($0)" } ?? "")
  }

  /// Cells below each other.
  static func line(_ cells: [String]) -> String {
    let rest = zip(cells, widths).dropFirst().map { $0.aligned(to: $1) }
    return ([cells[0].padded(to: widths[0])] + rest).joined(separator: "  ")
  }

  /// What was compared, in one line.
  var subtitle: String {
    let task = comparison.task
    let seeds = task.seeds == 1 ? "1 seed" : "\(task.seeds) seeds"
    return
      "\(task.model ?? "built-in model"), \(task.steps) steps of \(task.batchSize) rows, \(seeds), about "
      + "\(task.budget.grouped) parameters trained; the base has \(comparison.baseLoss.rounded(digits: 3))"
  }

  /// The table in Markdown, with the reasons of what did not work below it.
  var markdown: String {
    var lines = ["# Methods compared", "", subtitle + ".", ""]
    lines.append("| " + Self.titles.joined(separator: " | ") + " |")
    lines.append("|---|" + String(repeating: "---:|", count: Self.titles.count - 1))
    lines += comparison.outcomes.map { "| " + Self.cells($0).joined(separator: " | ") + " |" }
    lines.append("")
    for outcome in comparison.outcomes {
      if let fault = outcome.fault { lines.append("- \(outcome.method.title) failed: \(fault)") }
      if case .impossible(let reason) = outcome.merging {
        lines.append("- \(outcome.method.title) is not merged: \(reason)")
      }
    }
    lines += ["", "All of it took \(seconds.rounded(digits: 0)) s.", ""]
    return lines.joined(separator: "\n")
  }

  /// Everything that was measured.
  var json: [JSON.Member] {
    let task = comparison.task
    return [
      .init("model", task.model.map(JSON.string) ?? .null), .init("data", .string(task.data)),
      .init("evaluation", .string(task.evaluation)), .init("steps", .integer(task.steps)),
      .init("batch", .integer(task.batchSize)),
      .init("max_length", .integer(task.maximumLength)),
      .init("learning_rate_factor", .number(task.rateFactor)), .init("seeds", .integer(task.seeds)),
      .init("rank", .integer(task.rank)), .init("budget", .integer(task.budget)),
      .init("base_loss", .number(comparison.baseLoss)),
      .init("methods", .array(comparison.outcomes.map(member))),
      .init("seconds", .number(seconds)),
    ]
  }

  private func member(_ outcome: MethodOutcome) -> JSON {
    let method = outcome.method
    var merging: [JSON.Member] = [.init("mergeable", .null)]
    switch outcome.merging {
    case .done(let difference):
      merging = [
        .init("mergeable", .bool(true)), .init("merged_difference", .number(difference)),
      ]
    case .impossible(let reason):
      merging = [.init("mergeable", .bool(false)), .init("not_merged", .string(reason))]
    case .unneeded, nil: break
    }
    return .object(
      [
        .init("name", .string(method.name)), .init("title", .string(method.title)),
        .init("paper", method.paper.map(JSON.string) ?? .null),
        .init("trains", .string(method.trains)),
        .init("options", .array(comparison.options(outcome).map(JSON.string))),
        .init("size", method.sizes == nil ? .null : .integer(outcome.size)),
        .init("trainable", outcome.trainable.map(JSON.integer) ?? .null),
        .init("adapter_bytes", outcome.adapterBytes.map(JSON.integer) ?? .null),
        .init("loss", outcome.loss.map(JSON.number) ?? .null),
        .init("losses", .array(outcome.losses.map(JSON.number))),
        .init("step_s", .array(outcome.stepSeconds.map(JSON.number))),
        .init("peak_bytes", outcome.peakBytes.map(JSON.integer) ?? .null),
      ] + merging + [
        .init("failed", outcome.fault.map(JSON.string) ?? .null),
        .init("seconds", .number(outcome.seconds)),
      ])
  }
}
