import PEFTTensor
import PEFTTransformer

/// What merges would make of the parameters of a base; nothing changes before `apply`.
struct Merging {
  /// The parameters that get other values, and these.
  private(set) var values: [ObjectIdentifier: (parameter: Parameter, value: Tensor)] = [:]
  /// The parameters that adapters were added to.
  private(set) var changed: Set<ObjectIdentifier> = []
  /// The places of each shared parameter, by its first one.
  private let sharing: [ObjectIdentifier: [Parameter]]
  /// The first place of each second place.
  private let sources: [ObjectIdentifier: Parameter]

  /// Nothing is merged yet.
  ///
  /// - Parameters:
  ///   - places: every parameter of the base, second places as well.
  ///   - restored: parameters that get these values first.
  init(_ places: [Parameter], restored: [(parameter: Parameter, value: Tensor)] = []) {
    var (sharing, sources): ([ObjectIdentifier: [Parameter]], [ObjectIdentifier: Parameter]) =
      ([:], [:])
    for place in places where place.isTied {
      guard let source = places.first(where: { place.isTied(to: $0) }) else { continue }
      sources[ObjectIdentifier(place)] = source
      sharing[ObjectIdentifier(source), default: [source]].append(place)
    }
    (self.sharing, self.sources) = (sharing, sources)
    for entry in restored { values[ObjectIdentifier(entry.parameter)] = entry }
  }

  /// Sets the parameters.
  func apply() {
    for (parameter, value) in values.values { parameter.value = value }
  }

  /// Whether an adapter was added to a parameter.
  func changes(_ place: Parameter) -> Bool {
    changed.contains(ObjectIdentifier(sources[ObjectIdentifier(place)] ?? place))
  }

  /// Adds the change of an adapter to what stands here.
  mutating func add(_ adapter: Adapter) throws(AdapterError) {
    let changes = try withoutGradients { () throws(AdapterError) -> [Change] in
      try self.changes(by: adapter)
    }
    for change in changes {
      guard change.value.isFinite else {
        throw .notFinite(adapter: adapter.name, parameter: change.path)
      }
      try checkSharing(change, changes)
    }
    for change in changes {
      let source = sources[ObjectIdentifier(change.place)] ?? change.place
      values[ObjectIdentifier(source)] = (source, change.value)
      changed.insert(ObjectIdentifier(source))
    }
  }

  /// The values that parameters of the base would get.
  private func changes(by adapter: Adapter) throws(AdapterError) -> [Change] {
    var changes: [Change] = []
    func start(_ base: Parameter) -> Tensor {
      adapter.copies.first { $0.base === base }?.copy.value ?? value(base)
    }
    for module in adapter.modules where !(module.layer is TiedTokenRowsLayer) {
      changes += try module.changes(adapter.name, start: start)
    }
    // A tied head has no change of its own.
    for module in adapter.modules where module.layer is TiedTokenRowsLayer {
      guard let place = module.site.linear?.weight,
        let source = changes.first(where: { place.isTied(to: $0.place) })
      else { continue }
      changes.append(
        .init(path: "\(module.site.path).weight", place: place, value: source.value))
    }
    for copy in adapter.copies where !changes.contains(where: { $0.place === copy.base }) {
      changes.append(.init(path: copy.key, place: copy.base, value: copy.copy.value))
    }
    return changes
  }

  /// A parameter of the base and the value that it gets.
  struct Change {
    let path: String
    let place: Parameter
    let value: Tensor
  }

  private func value(_ place: Parameter) -> Tensor {
    let source = sources[ObjectIdentifier(place)] ?? place
    return values[ObjectIdentifier(source)]?.value ?? source.value
  }

  /// Why a change of a shared parameter is refused.
  static let sharedReason =
    "the embedding and the output head share this weight, and the adapter changes only one of them or "
    + "each in another way; keep it unmerged, or train the two as one with modules_to_save and "
    + "ensure_weight_tying"

  /// A shared parameter can only change where all its places change to the same.
  private func checkSharing(_ change: Change, _ changes: [Change]) throws(AdapterError) {
    let source = sources[ObjectIdentifier(change.place)] ?? change.place
    guard let places = sharing[ObjectIdentifier(source)] else { return }
    let isShared = places.allSatisfy { place in
      changes.contains { $0.place === place && $0.value.storage === change.value.storage }
    }
    if !isShared {
      throw .notAdaptable(
        module: change.path,
        reason: Self.sharedReason)
    }
  }
}

extension Adapter.AdaptedModule {
  /// What a merge makes of the parameters of this module, which are `start` before.
  func changes(
    _ adapterName: String, start: (Parameter) -> Tensor
  ) throws(AdapterError) -> [Merging.Change] {
    let path = site.path
    switch (site.module, layer) {
    case (let base as Linear, let layer as any LinearAdapterLayer):
      let isTurned = base.layout == .inputOutput
      let weight = start(base.weight)
      let map = AffineMap(
        weight: isTurned ? weight.transposed : weight, bias: base.bias.map(start))
      let merged = try layer.merged(map, path)
      let change = Merging.Change(
        path: "\(path).weight", place: base.weight,
        value: isTurned ? merged.weight.transposed : merged.weight)
      guard let bias = merged.bias, bias.storage !== map.bias?.storage else { return [change] }
      guard let place = base.bias else {
        throw .notAdaptable(
          module: path, reason: "it has no bias that the adapter's could be merged into")
      }
      return [change, .init(path: "\(path).bias", place: place, value: bias)]
    case (let base as Embedding, let layer as any EmbeddingAdapterLayer):
      let table = try layer.merged(start(base.weight), path)
      return [.init(path: "\(path).weight", place: base.weight, value: table)]
    default:
      try checkMerging(adapterName)
      return []
    }
  }

  /// Refuses what no weight can hold, as far as that is seen from its kind.
  func checkMerging(_ adapterName: String) throws(AdapterError) {
    switch (site.module, layer) {
    case (is Linear, is any LinearAdapterLayer), (is Embedding, is any EmbeddingAdapterLayer):
      return
    case (_, let layer as any AttentionAdapterLayer): try layer.checkMerging(site.path)
    case (_, is any PromptAdapterLayer):
      throw .notAdaptable(
        module: site.path,
        reason: "\"\(adapterName)\" adds embeddings before the tokens, and no weight could hold "
          + "them; keep it unmerged")
    default:
      throw .notAdaptable(
        module: site.path, reason: "what \"\(adapterName)\" does there cannot be put into weights")
    }
  }
}
