import PEFTCheckpoints
import PEFTTensor
import PEFTTransformer

/// A merge that computes each parameter of the base when it is asked for, and keeps none.
///
/// The numbers are those of `Merging`, bit for bit: the same computations, one module after the other.
final class StreamedMerge {
  private let adapter: Adapter
  private var last: (module: Int, changes: [Merging.Change])?
  /// What went wrong while a parameter was computed; it then has the value of the base.
  private(set) var failure: AdapterError?
  /// How many parameters change.
  private(set) var count = 0

  /// Puts what makes the merged values in place of the values of the base.
  ///
  /// - Throws: `AdapterError` where the kind of a layer, or a weight that embedding and head share, does not allow a merge; nothing is
  ///   changed then.
  init(_ adapter: Adapter, places: [Parameter]) throws(AdapterError) {
    self.adapter = adapter
    for module in adapter.modules { try module.checkMerging(adapter.name) }
    try checkSharing(places)
    var adapted: Set<ObjectIdentifier> = []
    // A head that follows the rows of a table has no change of its own.
    for (index, module) in adapter.modules.enumerated()
    where !(module.layer is TiedTokenRowsLayer) {
      let parameters = module.mergedParameters
      for (place, isCertain) in parameters {
        if isCertain || adapter.copies.contains(where: { $0.base === place }) { count += 1 }
        adapted.insert(ObjectIdentifier(place))
        stream(place, index, besides: parameters.map(\.place))
      }
    }
    var seen: Set<ObjectIdentifier> = []
    for copy in adapter.copies where !adapted.contains(ObjectIdentifier(copy.base)) {
      count += 1
      if copy.base.isTied || !seen.insert(ObjectIdentifier(copy.base)).inserted { continue }
      guard copy.copy.value.isFinite else {
        throw .notFinite(adapter: adapter.name, parameter: copy.key)
      }
      copy.base.value = copy.copy.value
    }
  }

  private func stream(
    _ place: Parameter, _ index: Int, besides others: [Parameter]
  ) {
    // Layers look at the base themselves, which must be what it was before.
    let originals = others.map { ($0, $0.content) }
    let (shape, module) = (place.shape, adapter.modules[index])
    guard let original = originals.first(where: { $0.0 === place })?.1 else { return }
    sources[ObjectIdentifier(place)] = original
    let base = original
    let copy = adapter.copies.first { $0.base === place }?.copy
    place.stream(
      StreamedTensor(shape) { [self] in
        let changes = changes(index, module)
        // A bias that is trained as a whole is not changed by the layer itself.
        return changes.first { $0.place === place }?.value ?? copy?.value ?? base.value
      })
  }

  private var sources: [ObjectIdentifier: Parameter.Content] = [:]

  private func changes(_ index: Int, _ module: Adapter.AdaptedModule) -> [Merging.Change] {
    if let last, last.module == index { return last.changes }
    last = nil
    let places = module.mergedParameters.map(\.place)
    let streams = places.map(\.content)
    for place in places { sources[ObjectIdentifier(place)].map { place.content = $0 } }
    defer { for (place, stream) in zip(places, streams) { place.content = stream } }
    do throws(AdapterError) {
      let changes = try withoutGradients { () throws(AdapterError) in
        try module.changes(adapter.name) { base in
          adapter.copies.first { $0.base === base }?.copy.value ?? base.value
        }
      }
      for change in changes where !change.value.isFinite {
        throw .notFinite(adapter: adapter.name, parameter: change.path)
      }
      // Only a bias and its weight are asked for one after the other.
      if places.count > 1 { last = (index, changes) }
      return changes
    } catch {
      if failure == nil { failure = error }
      return []
    }
  }

  /// Forgets what was computed last.
  func finish() throws(AdapterError) {
    last = nil
    if let failure { throw failure }
  }

  private func checkSharing(_ places: [Parameter]) throws(AdapterError) {
    for place in places where place.isTied {
      guard let source = places.first(where: { place.isTied(to: $0) }) else { continue }
      let group = [source, place]
      let adapted = adapter.modules.first { module in
        module.mergedParameters.contains { part in group.contains { $0 === part.place } }
      }
      let copies = group.map { part in adapter.copies.first { $0.base === part }?.copy }
      let follows = adapter.modules.contains { module in
        module.layer is TiedTokenRowsLayer && module.site.linear?.weight === place
      }
      if adapted == nil || follows, copies[0] === copies[1] { continue }
      throw .notAdaptable(
        module: adapted?.site.path ?? "the embedding",
        reason: Merging.sharedReason)
    }
  }
}

extension Adapter.AdaptedModule {
  /// The parameters that a merge may change, and whether it is known before that it does.
  fileprivate var mergedParameters: [(place: Parameter, isCertain: Bool)] {
    switch site.module {
    case let base as Linear:
      [(base.weight, true)] + (base.bias.map { [($0, false)] } ?? [])
    case let base as Embedding: [(base.weight, true)]
    default: []
    }
  }
}
