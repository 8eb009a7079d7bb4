import PEFTTensor
public import PEFTTransformer

/// LoRA for longer sequences: attention within shifted groups while training, and trained embeddings and norms beside the branches.
///
/// "LongLoRA: Efficient Fine-tuning of Long-Context Large Language Models" (arXiv 2309.12307). In training, attention stays within
/// the `groups` of `AttentionGroups`, of which the second half of the heads has shifted ones, so that with groups of a fixed size g a
/// step costs time in proportion to the length, and attention 4 K g flops a query and head. Everywhere else attention is full.
/// Of the two forms of the authors' code this is the one without wrap-around: the other lets the first tokens of half the heads see the
/// last ones.
///
/// Positions beyond the trained length want `CausalLM.interpolatePositions(by:)` before this is attached. The defaults are the
/// authors': rank 8, alpha 16, all four maps of attention, groups of a quarter.
///
/// After training it is LoRA with `modules_to_save`, so that PEFT loads its folders, ignoring the field `longlora`; the base must
/// have its positions interpolated there as well.
public struct LongLoRA: AdapterMethod, Hashable {
  /// `LORA`, as what files hold is one.
  public static let type = LoRA.type
  /// The field of `adapter_config.json` that says how it was trained.
  static let field = "longlora"

  /// The branches, and what is trained beside them.
  public var lora: LoRA
  /// The groups of attention in training.
  public var groups: AttentionGroups
  /// Whether the embeddings are trained, each in a copy.
  public var trainsEmbeddings = true
  /// Whether the norms are trained, each in a copy.
  public var trainsNorms = true
  /// By what the rotary positions of the base must be divided; nil for whatever the base does.
  public var positionFactor: Double?

  /// Settings; the others have defaults that can be set afterwards.
  public init(
    rank: Int = 8, alpha: Double = 16, groups: AttentionGroups = .ratio(0.25)
  ) {
    // The four maps of attention, by their names in the families that there are.
    lora = LoRA(
      rank: rank, alpha: alpha,
      targets: .pattern(#".*\.([qkvo]_proj|attn\.c_attn|attn\.c_proj)"#))
    self.groups = groups
  }

  /// Which modules have branches, and what is trained beside them.
  public var selection: ModuleSelection {
    get { lora.selection }
    set { lora.selection = newValue }
  }

  /// Every attention, and the embeddings and norms where they are trained.
  public func adapts(_ module: any Module) -> Bool {
    module is SelfAttention || trainsAsCopy(module)
  }

  /// Whether a module is trained as a whole, in a copy.
  func trainsAsCopy(_ module: any Module) -> Bool {
    trainsNorms && module is Norm || trainsEmbeddings && module is Embedding
  }

  /// Refuses groups without size, and what LoRA refuses.
  public func checkSettings() throws(AdapterError) {
    try lora.checkSettings()
    switch groups {
    case .size(let size) where size < 2:
      throw .invalidSetting("groups", expected: "at least 2 tokens", found: "\(size)")
    case .ratio(let ratio) where !(ratio > 0 && ratio <= 1):
      throw .invalidSetting("groups", expected: "a share above 0, up to 1", found: "\(ratio)")
    case .size, .ratio: break
    }
  }

  /// Refuses patterns of LoRA that select nothing.
  public func checkEntries(_ paths: [String]) throws(AdapterError) {
    try lora.checkEntries(paths)
  }

  /// A branch of a linear layer, the groups of an attention, or copies of a norm or an embedding.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    if site.module is SelfAttention {
      try checkPositions(site.host)
      let groups = groups
      return LayerBlueprint(TensorsBlueprint([]) { _ in [:] }) { _ in
        GroupedAttentionLayer(groups)
      }
    }
    guard trainsAsCopy(site.module) else { return try lora.blueprint(site) }
    switch site.module {
    case let norm as Norm:
      return LayerBlueprint(
        copies: [("weight", norm.weight)] + (norm.bias.map { [("bias", $0)] } ?? []))
    case let embedding as Embedding: return LayerBlueprint(copies: [("weight", embedding.weight)])
    default: return try lora.blueprint(site)
    }
  }

  /// What LoRA's layers share.
  public func sharedTensors(
    _ sites: [AdapterSite], _ host: any AdapterHost
  ) throws(AdapterError) -> TensorsBlueprint? {
    try lora.sharedTensors(sites.filter { $0.module is Linear }, host)
  }

  /// What takes part in the training of LoRA.
  public func controller(_ adapter: Adapter) -> (any AdapterController)? {
    lora.controller(adapter)
  }

  private func checkPositions(_ host: any AdapterHost) throws(AdapterError) {
    guard let positionFactor, let found = (host as? CausalLM)?.positionFactor,
      abs(found - positionFactor) > 1e-6 * positionFactor
    else { return }
    throw .invalidSetting(
      "position_factor",
      expected: "\(found), which the model has; the adapter was trained with positions divided by "
        + "\(positionFactor): call interpolatePositions(by: \(positionFactor / found)) first",
      found: "\(positionFactor)")
  }
}

/// The groups of one attention in training.
public final class GroupedAttentionLayer: AttentionAdapterLayer {
  private let groups: AttentionGroups

  init(_ groups: AttentionGroups) { self.groups = groups }

  /// The groups in training, none elsewhere.
  public func groups(_ context: ForwardContext) -> AttentionGroups? {
    context.dropout == nil ? nil : groups
  }

  /// There is nothing to merge: attention is full then.
  public func checkMerging(_ path: String) throws(AdapterError) {}
}
