public import PEFTTensor
public import PEFTTransformer

/// What a method does at one attention: it puts keys and values before those of the tokens, or keeps attention within groups.
public protocol AttentionAdapterLayer: AdapterLayer {
  /// P, the same in every layer.
  var prefixLength: Int { get }
  /// Keys and values, `[P, G * K]` each; nil for none.
  func prefix(_ context: ForwardContext) -> (keys: Tensor, values: Tensor)?
  /// The groups within which attention stays in this pass; nil for full attention.
  func groups(_ context: ForwardContext) -> AttentionGroups?
  /// Refuses a merge.
  ///
  /// - Parameter path: of the module.
  /// - Throws: `AdapterError.notAdaptable`, unless the model is the same without what this does.
  func checkMerging(_ path: String) throws(AdapterError)
}

extension AttentionAdapterLayer {
  /// 0.
  public var prefixLength: Int { 0 }
  /// None.
  public func prefix(_ context: ForwardContext) -> (keys: Tensor, values: Tensor)? { nil }
  /// None.
  public func groups(_ context: ForwardContext) -> AttentionGroups? { nil }
  /// Says that keys and values are no part of a weight.
  public func checkMerging(_ path: String) throws(AdapterError) {
    throw .notAdaptable(
      module: path,
      reason: "the adapter adds keys and values that no token has, and no weight could hold them; "
        + "keep it unmerged")
  }
}

/// What a method puts before the embeddings of the tokens.
public protocol PromptAdapterLayer: AdapterLayer {
  /// P.
  var promptLength: Int { get }
  /// The embeddings, `[P, D]`.
  func prompt(_ context: ForwardContext) -> Tensor
}

/// The adapters of one attention; the prefix of the first one comes first.
final class AttentionSlot: AdapterSlot, AttentionAdapter {
  var entries: [SlotEntry<any AttentionAdapterLayer>] = []

  var prefixLength: Int { effectiveLayers.reduce(0) { $0 + $1.prefixLength } }

  func prefix(
    base: SelfAttention, _ context: ForwardContext
  ) -> (keys: Tensor, values: Tensor)? {
    let parts = effectiveLayers.compactMap { $0.prefix(context) }
    guard parts.count > 1 else { return parts.first }
    return (
      .concatenated(parts.map(\.keys), axis: 0), .concatenated(parts.map(\.values), axis: 0)
    )
  }

  /// Those of the adapter that was attached last.
  func groups(_ context: ForwardContext) -> AttentionGroups? {
    effectiveLayers.reversed().lazy.compactMap { $0.groups(context) }.first
  }
}

/// The adapters of one stack of blocks; the prompt of the first one comes first.
final class PromptSlot: AdapterSlot, PromptAdapter {
  var entries: [SlotEntry<any PromptAdapterLayer>] = []

  var promptLength: Int { effectiveLayers.reduce(0) { $0 + $1.promptLength } }

  func prompt(_ context: ForwardContext) -> Tensor? {
    let parts = effectiveLayers.map { $0.prompt(context) }
    return parts.count > 1 ? .concatenated(parts, axis: 0) : parts.first
  }
}
