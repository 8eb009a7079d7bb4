public import PEFTTensor

extension CausalLM {
  /// The mean cross-entropy of the labels that count, in nats: the loss of Hugging Face's causal models.
  ///
  /// The head is computed only where a label is predicted. NaN where no label counts.
  ///
  /// - Parameters:
  ///   - batch: tokens and labels.
  ///   - isTraining: whether dropout is active.
  ///   - smoothing: label smoothing.
  /// - Returns: a scalar, for `backward()`.
  public func loss(
    _ batch: TokenBatch, isTraining: Bool = true, smoothing: Float = 0
  ) -> Tensor {
    let (targets, logits) = targetLogits(batch, dropout: isTraining ? dropoutKeys : nil)
    return logits.crossEntropy(targets, smoothing: smoothing)
  }

  /// The sum of the losses of a batch in nats, and over how many labels it runs; for evaluation.
  public func evaluate(_ batch: TokenBatch) -> (sum: Double, count: Int) {
    withoutGradients {
      let (targets, logits) = targetLogits(batch, dropout: nil)
      let values = logits.labelLogProbabilities(targets)
      return (-values.reduce(0) { $0 + Double($1) }, targets.count)
    }
  }

  private func targetLogits(
    _ batch: TokenBatch, dropout: DropoutKeys?
  ) -> (targets: Indices, logits: Tensor) {
    let context = context(batch.ids, keys: batch.keys, dropout: dropout)
    let hidden = hidden(batch.ids, keys: batch.keys, context)
    let (places, targets) = batch.targets
    return (targets, logits(hidden.matrix.rows(at: places), context))
  }
}
