import PEFTTensor

/// What a model computes with at some time, to tell later whether keys and values still hold.
///
/// A change is another value of a parameter, by a step of an optimiser or a merge, another adapter in a slot, one that is switched on or off,
/// and rows that are served by others. What an adapter of one's own keeps beside parameters is not seen.
struct ModelRevision {
  private let configuration: TransformerConfiguration
  private let parameters: [(parameter: Parameter, revision: [Int])]
  private let slots: [(adapter: () -> ObjectIdentifier?, before: ObjectIdentifier?)]
  private let adapters: [AdapterState]
  private let registryChanges: Int

  private struct AdapterState: Equatable {
    let identity: ObjectIdentifier
    let isActive: Bool
    let isMerged: Bool
  }

  /// The state of a model now.
  init(_ model: CausalLM) {
    let walk = model.walk
    configuration = model.configuration
    parameters = walk.parameters.map { ($0.parameter, $0.parameter.revision) }
    slots = walk.modules.compactMap { Self.slot($0.module) }.map { ($0, $0()) }
    adapters = Self.states(model)
    registryChanges = model.adapters.changes
  }

  /// Whether the model computes what it did.
  ///
  /// - Complexity: linear in the number of parameters, not in their size.
  func holds(for model: CausalLM) -> Bool {
    model.adapters.changes == registryChanges && Self.states(model) == adapters
      && slots.allSatisfy { $0.adapter() == $0.before }
      && parameters.allSatisfy { $0.parameter.revision == $0.revision }
      && model.configuration == configuration
  }

  private static func states(_ model: CausalLM) -> [AdapterState] {
    model.adapters.attachments.map {
      AdapterState(
        identity: ObjectIdentifier($0), isActive: $0.isActive, isMerged: $0.isMerged)
    }
  }

  /// What tells who fills the slot of a module; nil where it has none.
  private static func slot(_ module: any Module) -> (() -> ObjectIdentifier?)? {
    switch module {
    case let linear as Linear: { linear.adapter.map { ObjectIdentifier($0) } }
    case let embedding as Embedding: { embedding.adapter.map { ObjectIdentifier($0) } }
    case let attention as SelfAttention: { attention.adapter.map { ObjectIdentifier($0) } }
    case let decoder as Decoder: { decoder.adapter.map { ObjectIdentifier($0) } }
    default: nil
    }
  }
}
