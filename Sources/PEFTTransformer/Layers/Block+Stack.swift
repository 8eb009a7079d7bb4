import PEFTTensor

extension [Block] {
  /// The hidden states after the last of these blocks: `[B, T, D]` to `[B, T, D]`.
  ///
  /// Where `checkpointsActivations`, the inside of every block is computed again in the backward pass instead of kept.
  func callAsFunction(
    _ input: Tensor, _ context: ForwardContext, checkpointsActivations: Bool
  ) -> Tensor {
    var x = input
    var spans: [Int?: AttentionSpans] = [:]
    for block in self {
      let own =
        spans[block.window]
        ?? context.visible.spans(
          window: block.window, prefix: context.virtual.prefix, isCausal: block.isCausal)
      spans[block.window] = own
      x =
        checkpointsActivations && context.cache == nil
        ? block.checkpointed(x, spans: own, context) : block(x, spans: own, context)
    }
    return x
  }
}

extension Block {
  /// The same as a call, without keeping anything but the input.
  fileprivate func checkpointed(
    _ x: Tensor, spans: AttentionSpans, _ context: ForwardContext
  ) -> Tensor {
    let drawn = context.dropout?.drawn ?? 0
    return PEFTTensor.checkpointed([x]) { inputs in
      let after = context.dropout?.drawn
      context.dropout?.drawn = drawn
      defer { if let after, after > drawn { context.dropout?.drawn = after } }
      return self(inputs[0], spans: spans, context)
    }
  }
}

extension [Block] {
  /// How many keys and values adapters put before those of the tokens.
  var prefixLength: Int { first?.attention.adapter?.prefixLength ?? 0 }
}
