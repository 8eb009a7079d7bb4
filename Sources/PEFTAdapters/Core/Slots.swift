import PEFTTensor
import PEFTTransformer

/// The adapters of one linear layer, the first one innermost.
final class LinearSlot: AdapterSlot, LinearAdapter {
  var entries: [SlotEntry<any LinearAdapterLayer>] = []

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
final class EmbeddingSlot: AdapterSlot, EmbeddingAdapter {
  var entries: [SlotEntry<any EmbeddingAdapterLayer>] = []

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

extension Adapter.AdaptedModule {
  /// Whether the slot of a module is free or holds adapters of this kind.
  static func canFillSlot(of module: any Module) -> Bool {
    switch module {
    case let module as Linear: module.adapter == nil || module.adapter is LinearSlot
    case let module as Embedding: module.adapter == nil || module.adapter is EmbeddingSlot
    case let module as SelfAttention: module.adapter == nil || module.adapter is AttentionSlot
    case let module as any PromptTarget:
      module.adapter == nil || module.adapter is PromptSlot
    default: true
    }
  }

  /// Puts the layer into the slot of its module.
  func fillSlot(for adapter: Adapter) {
    switch (site.module, layer) {
    case (let module as Linear, let layer as any LinearAdapterLayer):
      module.adapter = slot(LinearSlot.self, module.adapter, layer, adapter)
    case (let module as Embedding, let layer as any EmbeddingAdapterLayer):
      module.adapter = slot(EmbeddingSlot.self, module.adapter, layer, adapter)
    case (let module as SelfAttention, let layer as any AttentionAdapterLayer):
      module.adapter = slot(AttentionSlot.self, module.adapter, layer, adapter)
    case (let module as any PromptTarget, let layer as any PromptAdapterLayer):
      module.adapter = slot(PromptSlot.self, module.adapter, layer, adapter)
    default:
      preconditionFailure("\(site.path): a \(type(of: layer)) does not fit the module")
    }
  }

  /// The slot that a module has, or a new one, with the layer in it.
  private func slot<Slot: AdapterSlot>(
    _: Slot.Type, _ present: (any Module)?, _ layer: Slot.Layer, _ adapter: Adapter
  ) -> Slot {
    let slot = present as? Slot ?? Slot()
    slot.entries.append(SlotEntry(adapter: Unowned(adapter: adapter), layer, tensors))
    return slot
  }

  /// Takes the layer out of the slot again, and the slot away where that was the last one.
  func emptySlot(for adapter: Adapter) {
    switch site.module {
    case let module as Linear:
      if LinearSlot.isEmptied(module.adapter, of: adapter) { module.adapter = nil }
    case let module as Embedding:
      if EmbeddingSlot.isEmptied(module.adapter, of: adapter) { module.adapter = nil }
    case let module as SelfAttention:
      if AttentionSlot.isEmptied(module.adapter, of: adapter) { module.adapter = nil }
    case let module as any PromptTarget:
      if PromptSlot.isEmptied(module.adapter, of: adapter) { module.adapter = nil }
    default: return
    }
  }
}
