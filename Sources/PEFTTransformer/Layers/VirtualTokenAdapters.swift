public import PEFTTensor

/// Puts keys and values before those of the tokens of an attention, or keeps it within groups.
public protocol AttentionAdapter: Module {
  /// P, the same in every layer of a model.
  var prefixLength: Int { get }
  /// Keys and values, which carry no positions; nil for none.
  ///
  /// - Parameters:
  ///   - base: the attention.
  ///   - context: of this forward pass.
  /// - Returns: `[P, G * K]` each, G heads of width K side by side.
  func prefix(
    base: SelfAttention, _ context: ForwardContext
  ) -> (keys: Tensor, values: Tensor)?
  /// The groups within which attention stays in this pass; nil for full attention.
  func groups(_ context: ForwardContext) -> AttentionGroups?
}

extension AttentionAdapter {
  /// None.
  public func groups(_ context: ForwardContext) -> AttentionGroups? { nil }
}

/// Puts embeddings before those of the tokens of a decoder.
public protocol PromptAdapter: Module {
  /// P.
  var promptLength: Int { get }
  /// The embeddings, `[P, D]`; nil for none.
  func prompt(_ context: ForwardContext) -> Tensor?
}
