import PEFTTensor
import PEFTTransformer

/// The adapters of one linear layer, the first one innermost.
final class LinearSlot: LinearAdapter {
  var entries: [(adapter: Unowned, layer: any LinearAdapterLayer, tensors: [AdapterTensor])] = []

  var members: Members { Members(entries.map { ($0.adapter, $0.tensors) }) }

  func forward(_ input: Tensor, base: Linear, _ context: ForwardContext) -> Tensor {
    let active = entries.filter(\.adapter.isEffective)
    if let (groups, count) = Adapter.groups(active.map(\.adapter.adapter)) {
      return forwardByRows(input, base: base, context, groups, count: count)
    }
    return forward(input, base: base, context, active.map(\.layer))
  }

  /// The forward pass of some layers, the first one innermost.
  func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, _ layers: [any LinearAdapterLayer]
  ) -> Tensor {
    // The branches before and of the first layer that is more than additive are computed with the base.
    let first = layers.firstIndex { !$0.isAdditive } ?? layers.endIndex
    let branches = layers.prefix(first + 1).flatMap { $0.branches(context) }
    var map: (Tensor) -> Tensor = { base.project($0, branches: branches) }
    for layer in layers[first...] {
      let inner = map
      let outer = layer === layers[first] ? [] : layer.branches(context)
      map = { input in
        layer.forward(input, base: base, context) { x in
          outer.reduce(inner(x)) { $0 + $1.output(x) }
        }
      }
    }
    return map(input)
  }
}

/// The adapters of one embedding, the first one innermost.
final class EmbeddingSlot: EmbeddingAdapter {
  var entries: [(adapter: Unowned, layer: any EmbeddingAdapterLayer, tensors: [AdapterTensor])] = []

  var members: Members { Members(entries.map { ($0.adapter, $0.tensors) }) }

  func forward(_ ids: Indices, base: Embedding, _ context: ForwardContext) -> Tensor {
    let active = entries.filter(\.adapter.isEffective)
    if let (groups, count) = Adapter.groups(active.map(\.adapter.adapter)) {
      return forwardByRows(ids, base: base, context, groups, count: count)
    }
    var map: (Indices) -> Tensor = base.lookUp
    for entry in active {
      let inner = map
      map = { entry.layer.forward($0, context, inner: inner) }
    }
    return map(ids)
  }
}

extension LowRankBranch {
  /// What the branch alone makes of an input.
  fileprivate func output(_ input: Tensor) -> Tensor {
    let narrow = input.dropout(dropout, key: dropoutKey).linear(weight: a)
    return narrow.linear(weight: b, bias: bias) * scale
  }
}

/// An adapter that a slot belongs to; the adapter lives as long as its slots are filled.
struct Unowned {
  unowned let adapter: Adapter
  var isEffective: Bool { adapter.isEffective }
}

extension Members {
  /// What all layers share stands in every slot; a walk takes it at the first one.
  init(_ entries: [(owner: Unowned, tensors: [AdapterTensor])]) {
    let tensors = entries.flatMap { $0.owner.adapter.sharedTensors + $0.tensors }
    self.init(tensors.map { ($0.memberName, $0.parameter) })
  }
}

extension Adapter.AdaptedModule {
  /// Whether the slot of a module is free or holds adapters of this kind.
  static func canFillSlot(of module: any Module) -> Bool {
    switch module {
    case let module as Linear: module.adapter == nil || module.adapter is LinearSlot
    case let module as Embedding: module.adapter == nil || module.adapter is EmbeddingSlot
    case let module as SelfAttention: module.adapter == nil || module.adapter is AttentionSlot
    case let module as Decoder: module.adapter == nil || module.adapter is PromptSlot
    default: true
    }
  }

  /// Puts the layer into the slot of its module.
  func fillSlot(for adapter: Adapter) {
    let owner = Unowned(adapter: adapter)
    switch (site.module, layer) {
    case (let module as Linear, let layer as any LinearAdapterLayer):
      let slot = module.adapter as? LinearSlot ?? LinearSlot()
      slot.entries.append((owner, layer, tensors))
      module.adapter = slot
    case (let module as Embedding, let layer as any EmbeddingAdapterLayer):
      let slot = module.adapter as? EmbeddingSlot ?? EmbeddingSlot()
      slot.entries.append((owner, layer, tensors))
      module.adapter = slot
    case (let module as SelfAttention, let layer as any AttentionAdapterLayer):
      let slot = module.adapter as? AttentionSlot ?? AttentionSlot()
      slot.entries.append((owner, layer, tensors))
      module.adapter = slot
    case (let module as Decoder, let layer as any PromptAdapterLayer):
      let slot = module.adapter as? PromptSlot ?? PromptSlot()
      slot.entries.append((owner, layer, tensors))
      module.adapter = slot
    default:
      preconditionFailure("\(site.path): a \(type(of: layer)) does not fit the module")
    }
  }

  /// Takes the layer out of the slot again.
  func emptySlot(for adapter: Adapter) {
    switch site.module {
    case let module as Linear:
      guard let slot = module.adapter as? LinearSlot else { return }
      slot.entries.removeAll { $0.adapter.adapter === adapter }
      if slot.entries.isEmpty { module.adapter = nil }
    case let module as Embedding:
      guard let slot = module.adapter as? EmbeddingSlot else { return }
      slot.entries.removeAll { $0.adapter.adapter === adapter }
      if slot.entries.isEmpty { module.adapter = nil }
    case let module as SelfAttention:
      guard let slot = module.adapter as? AttentionSlot else { return }
      slot.entries.removeAll { $0.adapter.adapter === adapter }
      if slot.entries.isEmpty { module.adapter = nil }
    case let module as Decoder:
      guard let slot = module.adapter as? PromptSlot else { return }
      slot.entries.removeAll { $0.adapter.adapter === adapter }
      if slot.entries.isEmpty { module.adapter = nil }
    default: return
    }
  }
}
