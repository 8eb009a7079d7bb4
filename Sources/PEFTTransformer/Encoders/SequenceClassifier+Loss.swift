public import PEFTTensor

extension SequenceClassifier {
  /// Whether the forward pass can take these tokens; it stops the program where it cannot.
  ///
  /// - Parameter rows: tokens.
  /// - Throws: `ModelError` for the first thing that is wrong.
  /// - Complexity: linear in the number of tokens.
  public func check(_ rows: TokenRows) throws(ModelError) {
    try configuration.check(rows, body.virtual)
  }

  /// Whether a loss can be computed for this batch; the computation stops the program where it cannot.
  ///
  /// - Parameter batch: tokens and labels.
  /// - Throws: `ModelError` for the first thing that is wrong.
  /// - Complexity: linear in the number of tokens.
  public func check(_ batch: ClassificationBatch) throws(ModelError) {
    try check(batch.rows)
    try configuration.check(labels: batch.labels)
  }

  /// The mean cross-entropy of the labels that count, in nats: the loss of Hugging Face's classifiers.
  ///
  /// NaN where no label counts. Stops the program where `check(_:)` throws.
  ///
  /// - Parameters:
  ///   - batch: tokens and labels.
  ///   - isTraining: whether dropout is active.
  ///   - smoothing: label smoothing.
  /// - Returns: a scalar, for `backward()`; in training with what adapters add to it.
  public func loss(
    _ batch: ClassificationBatch, isTraining: Bool = true, smoothing: Float = 0
  ) -> Tensor {
    let loss = logits(batch.rows, dropout: isTraining ? dropoutKeys : nil)
      .crossEntropy(Indices(batch.labels), smoothing: smoothing)
    guard isTraining, let penalty = adapters.penalty else { return loss }
    return loss + penalty
  }

  /// The sum of the losses of a batch in nats, and over how many labels it runs; for evaluation.
  public func evaluate(_ batch: ClassificationBatch) -> (sum: Double, count: Int) {
    withoutGradients {
      let values = self(batch.rows).labelLogProbabilities(Indices(batch.labels))
      return (-values.reduce(0) { $0 + Double($1) }, batch.targetCount)
    }
  }
}
