import PEFTTraining

/// How `peft train --stream` makes its batches.
struct StreamPlan {
  /// What a batch is made of.
  let size: StreamSettings.Size
  /// From how many rows the next one is drawn.
  let shuffleBuffer: Int
  /// Chooses the order.
  let seed: UInt64

  /// The options from which it is read.
  static let options: [Option] = [
    Option(
      switch: "stream",
      "Make batches while the file is read, again in every epoch, in place of keeping its rows."),
    Option(
      "shuffle-buffer", "N", default: "10000",
      "From how many rows the next one is drawn while a file is streamed."),
    Option(
      "batch-tokens", "N",
      "About how many tokens a streamed batch has, of as many rows as that makes, in place of --batch."
    ),
  ]

  /// Reads the options; nil where the rows are kept in memory.
  init?(_ arguments: Arguments, _ plan: TrainingPlan) throws(CommandError) {
    let buffer = try arguments.integer("shuffle-buffer", in: 1...100_000_000)
    let tokens = try arguments.integer("batch-tokens", in: 1...100_000_000)
    guard arguments.isOn("stream") else {
      if buffer != nil || tokens != nil { throw .missingOption("stream") }
      return nil
    }
    if buffer != nil, plan.order == .given { throw .conflict("shuffle-buffer", "in-order") }
    if tokens != nil, arguments.has("batch") { throw .conflict("batch-tokens", "batch") }
    size = tokens.map { .tokens($0) } ?? .rows(plan.batchSize)
    shuffleBuffer = plan.order == .given ? 1 : buffer ?? 10_000
    seed = plan.seed
  }

  /// The same for a file.
  func settings(_ options: DataOptions) -> StreamSettings {
    StreamSettings(
      size: size, shuffleBuffer: shuffleBuffer, seed: seed, names: options.names,
      badRows: options.badRows)
  }
}
