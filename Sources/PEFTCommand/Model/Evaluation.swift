import PEFTTensor
import PEFTTraining
import PEFTTransformer

/// The mean loss of a model over token rows.
///
/// Rows of similar length are evaluated together, so little is padded. The sum runs over all
/// labels: the result does not depend on how rows are grouped, beyond rounding.
struct Evaluation {
  /// Nats a label.
  private(set) var loss = Double.nan
  /// How many labels counted.
  private(set) var count = 0

  /// How many tokens a batch has at most, padding included; one row is always taken.
  private static let batchTokens = 4096

  /// Evaluates; `progress` gets how many rows are done.
  ///
  /// - Throws: `CommandError.notFinite` for the first row whose loss is not finite.
  init(
    _ model: CausalLM, _ rows: [TrainingExample], progress: (Int) -> Void = { _ in }
  ) throws(CommandError) {
    let order = rows.indices.sorted { (rows[$0].ids.count, $0) > (rows[$1].ids.count, $1) }
    var sum = 0.0
    var done = 0
    while done < order.count {
      let width = max(1, rows[order[done]].ids.count)
      let batch = order[done..<min(order.count, done + max(1, Self.batchTokens / width))]
      let result = Self.evaluate(model, batch.map { rows[$0] })
      if !result.sum.isFinite { throw Self.fault(model, rows, batch.sorted()) }
      sum += result.sum
      count += result.count
      done += batch.count
      progress(done)
    }
    loss = sum / Double(count)
  }

  private static func evaluate(
    _ model: CausalLM, _ rows: [TrainingExample]
  ) -> (sum: Double, count: Int) {
    model.evaluate(TokenBatch(rows: rows.map(\.ids), labels: rows.map(\.labels)))
  }

  /// Looks for the row that made the sum of a batch what it is.
  private static func fault(
    _ model: CausalLM, _ rows: [TrainingExample], _ batch: [Int]
  ) -> CommandError {
    for place in batch {
      let sum = evaluate(model, [rows[place]]).sum
      if !sum.isFinite {
        return .notFinite(
          "the loss of row \(place + 1) is \(sum): the model's output is not finite there; its weights or "
            + "the adapter's may hold such numbers")
      }
    }
    return .notFinite("the loss is not finite")
  }
}
