public import PEFTTensor

extension ImageClassifier {
  /// Whether the forward pass can take these pictures; it stops the program where it cannot.
  ///
  /// - Parameter pixels: pictures.
  /// - Throws: `ModelError` for the first thing that is wrong.
  public func check(_ pixels: PixelBatch) throws(ModelError) {
    try configuration.check(pixels, interpolates: encoder.interpolatesPositions)
  }

  /// Whether a loss can be computed for this batch; the computation stops the program where it cannot.
  ///
  /// - Parameter batch: pictures and labels.
  /// - Throws: `ModelError` for the first thing that is wrong.
  public func check(_ batch: ImageClassificationBatch) throws(ModelError) {
    try check(batch.pixels)
    try configuration.check(labels: batch.labels)
  }

  /// The mean cross-entropy of the labels that count, in nats: the loss of Hugging Face's classifiers.
  ///
  /// NaN where no label counts. Stops the program where `check(_:)` throws.
  ///
  /// - Parameters:
  ///   - batch: pictures and labels.
  ///   - isTraining: whether dropout is active.
  ///   - smoothing: label smoothing.
  /// - Returns: a scalar, for `backward()`; in training with what adapters add to it.
  public func loss(
    _ batch: ImageClassificationBatch, isTraining: Bool = true, smoothing: Float = 0
  ) -> Tensor {
    let loss = logits(batch.pixels, dropout: isTraining ? dropoutKeys : nil)
      .crossEntropy(Indices(batch.labels), smoothing: smoothing)
    guard isTraining, let penalty = adapters.penalty else { return loss }
    return loss + penalty
  }

  /// The sum of the losses of a batch in nats, and over how many labels it runs; for evaluation.
  public func evaluate(_ batch: ImageClassificationBatch) -> (sum: Double, count: Int) {
    withoutGradients {
      let values = self(batch.pixels).labelLogProbabilities(Indices(batch.labels))
      return (-values.reduce(0) { $0 + Double($1) }, batch.targetCount)
    }
  }
}
