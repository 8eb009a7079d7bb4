import PEFTTensor
import PEFTTransformer

/// What a module has in its slot: the layers of adapters, in the order in which they were attached.
protocol AdapterSlot: Module {
  associatedtype Layer
  var entries: [SlotEntry<Layer>] { get set }
  init()
}

extension AdapterSlot {
  /// The tensors of all adapters.
  var members: Members {
    // What all layers share stands in every slot; a walk takes it at the first one.
    let tensors = entries.flatMap { $0.adapter.adapter.sharedTensors + $0.tensors }
    return Members(tensors.map { ($0.memberName, $0.parameter) })
  }

  /// The layers of the adapters that count now.
  var effectiveLayers: [Layer] { entries.filter(\.adapter.isEffective).map(\.layer) }

  /// Takes the layer of an adapter out of a slot of this kind, and says whether none is left in it.
  static func isEmptied(_ slot: (any Module)?, of adapter: Adapter) -> Bool {
    guard let slot = slot as? Self else { return false }
    slot.entries.removeAll { $0.adapter.adapter === adapter }
    return slot.entries.isEmpty
  }
}

/// What one adapter has in a slot.
struct SlotEntry<Layer> {
  let adapter: Unowned
  let layer: Layer
  let tensors: [AdapterTensor]

  init(adapter: Unowned, _ layer: Layer, _ tensors: [AdapterTensor]) {
    (self.adapter, self.layer, self.tensors) = (adapter, layer, tensors)
  }
}

/// An adapter that a slot belongs to; the adapter lives as long as its slots are filled.
struct Unowned {
  unowned let adapter: Adapter
  var isEffective: Bool { adapter.isEffective }
}
