public import PEFTTensor

extension CausalLM {
  /// The mean cross-entropy of the labels that count, in nats: the loss of Hugging Face's causal models.
  ///
  /// The head is computed only where a label is predicted, and nothing for padding: the rows are joined to one, in which each
  /// sees itself only. NaN where no label counts. Stops the program where
  /// `check(_:)` throws.
  ///
  /// - Parameters:
  ///   - batch: tokens and labels.
  ///   - isTraining: whether dropout is active.
  ///   - smoothing: label smoothing.
  /// - Returns: a scalar, for `backward()`; in training with what adapters add to it.
  public func loss(
    _ batch: TokenBatch, isTraining: Bool = true, smoothing: Float = 0
  ) -> Tensor {
    let loss = modelLoss(batch, isTraining: isTraining, smoothing: smoothing)
    guard isTraining, let penalty = adapters.penalty else { return loss }
    return loss + penalty
  }

  private func modelLoss(_ batch: TokenBatch, isTraining: Bool, smoothing: Float) -> Tensor {
    let (states, targets, context) = states(batch, dropout: isTraining ? dropoutKeys : nil)
    guard head.adapter == nil else {
      return head(states, context).crossEntropy(targets, smoothing: smoothing)
    }
    return states.linearCrossEntropy(
      weight: head.weight.operand(head.layout), targets, smoothing: smoothing)
  }

  /// The sum of the losses of a batch in nats, and over how many labels it runs; for evaluation.
  public func evaluate(_ batch: TokenBatch) -> (sum: Double, count: Int) {
    withoutGradients {
      let (states, targets, context) = states(batch, dropout: nil)
      let values =
        head.adapter == nil
        ? states.linearLabelLogProbabilities(weight: head.weight.operand(head.layout), targets)
        : head(states, context).labelLogProbabilities(targets)
      return (-values.reduce(0) { $0 + Double($1) }, targets.count)
    }
  }

  /// What the head gets at the places from which a label is predicted, `[N, D]`, and these labels.
  private func states(
    _ batch: TokenBatch, dropout: DropoutKeys?
  ) -> (states: Tensor, targets: Indices, context: ForwardContext) {
    // Where the length of the padded rows has no part in the maths, padding is left out.
    let virtual = decoder.virtual
    let prompted = batch.prompted(by: virtual.prompt)
    let isPacked = prompted.hasIdlePadding && !configuration.dependsOnLength
    let context: ForwardContext
    if isPacked {
      do throws(ModelError) { try check(batch) } catch {
        preconditionFailure("CausalLM: \(error)")
      }
      context = ForwardContext(
        configuration, packed: batch.keys.map(\.count), dropout: dropout, virtual: virtual)
    } else {
      context = ForwardContext(
        configuration, batch.ids, keys: batch.keys, dropout: dropout, virtual: virtual)
    }
    let hidden = decoder(isPacked ? batch.packed.ids : batch.ids, context)
    let (places, targets) = (isPacked ? prompted.packed : prompted).targets
    return (
      decoder.norm(hidden.matrix.rows(at: places)), targets, context.choosing(places)
    )
  }
}
