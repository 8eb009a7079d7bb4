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
  init(_ model: CausalLM, _ rows: [TrainingExample], progress: (Int) -> Void = { _ in }) {
    let order = rows.indices.sorted { (rows[$0].ids.count, $0) > (rows[$1].ids.count, $1) }
    var sum = 0.0
    var done = 0
    while done < order.count {
      let width = max(1, rows[order[done]].ids.count)
      let batch = order[done..<min(order.count, done + max(1, Self.batchTokens / width))]
      let result = model.evaluate(
        TokenBatch(
          rows: batch.map { rows[$0].ids }, labels: batch.map { rows[$0].labels }))
      sum += result.sum
      count += result.count
      done += batch.count
      progress(done)
    }
    loss = sum / Double(count)
  }
}
