import PEFTJSON

/// The figures of a comparison as text and for programs.
struct ComparisonTable {
  /// What was compared.
  let comparison: Comparison
  /// How long the run took that measured the last of it.
  let seconds: Double

  /// The figures, which took some seconds.
  init(_ comparison: Comparison, seconds: Double) {
    (self.comparison, self.seconds) = (comparison, seconds)
  }

  /// The titles of the columns in a terminal, each of which has a width; 100 characters in all.
  private static let columns = [
    ("method", 20), ("trained", 9), ("kB", 7), ("loss", 6), ("of seeds", 11), ("rate", 6),
    ("ms", 6), ("/ LoRA", 6), ("MB", 5), ("merges", 6),
  ]
  /// The titles in Markdown.
  private static let titles = [
    "method", "trained parameters", "adapter bytes", "held-out loss", "least to largest of seeds",
    "learning rate", "ms a step", "of LoRA's", "peak MB", "merges",
  ]

  /// The titles for a terminal.
  static var header: String { line(columns.map(\.0)) }

  /// A row for a terminal; what failed stands behind it.
  func line(_ outcome: MethodOutcome) -> String {
    let bytes = outcome.adapterBytes.map { (Double($0) / 1000).rounded(digits: 1) } ?? "-"
    return Self.line(cells(outcome, bytes: bytes)) + (outcome.fault.map { "\n  \($0)" } ?? "")
  }

  /// The row of the untrained base for a terminal.
  var baseLine: String { Self.line(baseCells) }

  private static func line(_ cells: [String]) -> String {
    let rest = zip(cells, columns.map(\.1)).dropFirst().map { $0.aligned(to: $1) }
    return ([cells[0].padded(to: columns[0].1)] + rest).joined(separator: "  ")
  }

  private var baseCells: [String] {
    ["untrained base", "0", "0", comparison.baseLoss.rounded(digits: 3)]
      + Array(repeating: "-", count: 6)
  }

  private func cells(_ outcome: MethodOutcome, bytes: String) -> [String] {
    let (least, largest) = (outcome.losses.min(), outcome.losses.max())
    return [
      outcome.method.title, outcome.trainable?.grouped ?? "-", bytes,
      outcome.loss?.rounded(digits: 3) ?? "-",
      least.map { "\($0.rounded(digits: 3))-\((largest ?? $0).rounded(digits: 3))" } ?? "-",
      outcome.losses.isEmpty ? "-" : "\(Float(outcome.rate * comparison.task.rateFactor))",
      outcome.leastStepSeconds.map { (1000 * $0).rounded(digits: 1) } ?? "-",
      outcome.timeOverLoRA?.rounded(digits: 2) ?? "-",
      outcome.peakBytes.map { "\($0 / 1_000_000)" } ?? "-", Self.word(outcome.merging),
    ]
  }

  private static func word(_ merging: MethodOutcome.Merging?) -> String {
    switch merging {
    case .done: "yes"
    case .impossible: "no"
    case .unneeded, nil: "-"
    }
  }

  /// What was compared, in one line.
  var subtitle: String {
    let task = comparison.task
    let seeds = task.seeds == 1 ? "1 seed" : "\(task.seeds) seeds"
    let model = task.model?.split(separator: "/").last.map(String.init) ?? "built-in model"
    return
      "\(model), \(task.steps) steps of \(task.batchSize) rows, \(seeds), about "
      + "\(task.budget.grouped) parameters trained; the base has \(comparison.baseLoss.rounded(digits: 3))"
  }

  /// The table in Markdown, and below it what does not show in it.
  var markdown: String {
    var lines = ["# Methods compared", "", subtitle + ".", ""]
    lines.append("| " + Self.titles.joined(separator: " | ") + " |")
    lines.append("|---|" + String(repeating: "---:|", count: Self.titles.count - 1))
    let rows = comparison.outcomes.map { cells($0, bytes: $0.adapterBytes?.grouped ?? "-") }
    lines += ([baseCells] + rows).map { "| " + $0.joined(separator: " | ") + " |" }
    lines += [""] + remarks.map { "- \($0)" }
    lines += ["", "The last run of it took \(seconds.rounded(digits: 0)) s.", ""]
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
      .init("learning_rate_factor", .number(task.rateFactor)),
      .init("search", .bool(task.isSearching)), .init("timings", .integer(task.timings)),
      .init("seeds", .integer(task.seeds)), .init("rank", .integer(task.rank)),
      .init("budget", .integer(task.budget)),
      .init("base_loss", .number(comparison.baseLoss)),
      .init("methods", .array(comparison.outcomes.map(member))),
      .init("remarks", .array(remarks.map(JSON.string))),
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
        .init("rate", .number(outcome.rate)),
        .init(
          "trials",
          .array(
            outcome.trials.map { .array([.number($0.rate), $0.loss.map(JSON.number) ?? .null]) })),
        .init("trainable", outcome.trainable.map(JSON.integer) ?? .null),
        .init("adapter_bytes", outcome.adapterBytes.map(JSON.integer) ?? .null),
        .init("loss", outcome.loss.map(JSON.number) ?? .null),
        .init("losses", .array(outcome.losses.map(JSON.number))),
        .init("step_s", .array(outcome.stepSeconds.map(JSON.number))),
        .init(
          "timings",
          .array(outcome.timings.map { .array([.number($0.step), .number($0.lora)]) })),
        .init("peak_bytes", outcome.peakBytes.map(JSON.integer) ?? .null),
      ] + merging + [
        .init("failed", outcome.fault.map(JSON.string) ?? .null),
        .init("seconds", .number(outcome.seconds)),
      ])
  }
}
