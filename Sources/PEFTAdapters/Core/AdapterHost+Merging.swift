import PEFTCheckpoints
import PEFTTensor
public import PEFTTransformer

/// What the change of an adapter is added to.
public enum MergeTarget: Sendable, Hashable {
  /// The weights as the model computes with them: what four bits stand for, where they are kept so. The adapter was trained on these.
  case current
  /// The weights of a model folder, for all linear layers that are kept in another precision: nearer to the original model, but
  /// the adapter has learned to make up for the rounding that is not there then.
  case original(folder: String)
}

extension AdapterHost {
  /// Adds the change of an adapter to the weights of the base, which is kept as it was for `unmerge`.
  ///
  /// In float32. The adapter must be active, so that the report compares what it should. It is not trained
  /// while it is merged.
  ///
  /// - Parameters:
  ///   - name: of an active adapter.
  ///   - target: what its change is added to.
  /// - Returns: how the output of a probe changed: by rounding only with `.current` and float32 weights.
  /// - Throws: `AdapterError` for an unknown, inactive or merged adapter, one that cannot be merged, or one whose
  ///   numbers are not finite, and for a folder that does not fit; `AdapterError.wrongState` where another one must be merged first,
  ///   since one of the two scales what is inside it, or the other replaces a weight that this one changes. Nothing is changed then.
  @discardableResult
  public func merge(
    _ name: String = "default", into target: MergeTarget = .current
  ) throws(AdapterError) -> MergeReport {
    let adapter = try adapter(name)
    if adapter.isMerged { throw .wrongState("\"\(name)\" is merged already") }
    if !adapter.isActive {
      throw .wrongState("\"\(name)\" is not active; activate it before it is merged")
    }
    try checkNesting(adapter)
    var merging = Merging(places, restored: try originals(target, besides: name))
    try merging.add(adapter)
    try checkCopies(besides: adapter, merging)
    let before = probeOutput()
    guard before.isFinite else {
      throw .wrongState(
        "the output of the adapted model is not finite, so a merge could not be compared with it; nothing was changed"
      )
    }
    for (key, (parameter, _)) in merging.values where adapters.pristine[key] == nil {
      adapters.pristine[key] = .init(parameter)
    }
    merging.apply()
    adapter.mergeNumber = (mergedAdapters.last?.mergeNumber ?? -1) + 1
    return MergeReport(parameters: merging.values.count, before: before, after: probeOutput())
  }

  /// Refuses a merge that would take an adapter from around another one to below it, where that makes another function.
  private func checkNesting(_ adapter: Adapter) throws(AdapterError) {
    var isInside = true
    for case let other as Adapter in adapters.attachments {
      // Those that were attached later stand around it.
      if other === adapter { isInside = false }
      guard other !== adapter, other.isEffective else { continue }
      for module in adapter.modules {
        guard let beside = other.modules.first(where: { $0.site.module === module.site.module })
        else { continue }
        if isInside, !(beside.layer.isSummand && module.layer.isSummand) {
          throw .wrongState(
            "at \(module.site.path), \"\(adapter.name)\" acts on what \"\(other.name)\" gives, and one of them does not "
              + "just add to it, so the order counts; merge \"\(other.name)\" first")
        }
        if beside.layer.readsBase {
          throw .wrongState(
            "at \(module.site.path), \"\(other.name)\" computes with the weight of the base, which the merge would change; "
              + "merge \"\(other.name)\" first, or activate \"\(adapter.name)\" alone")
        }
      }
    }
  }

  /// The merged adapters in the order in which they were merged.
  private var mergedAdapters: [Adapter] {
    adapters.attachments.compactMap { $0 as? Adapter }.filter(\.isMerged)
      .sorted { ($0.mergeNumber ?? 0) < ($1.mergeNumber ?? 0) }
  }

  /// Refuses a merge into what another adapter replaces: its copy would hide the change.
  private func checkCopies(
    besides adapter: Adapter, _ merging: Merging
  ) throws(AdapterError) {
    for case let other as Adapter in adapters.attachments
    where other !== adapter && other.isEffective {
      if let copy = other.copies.first(where: { merging.changes($0.base) }) {
        throw .wrongState(
          "\"\(other.name)\" replaces \(copy.key), into which \"\(adapter.name)\" would be merged; "
            + "merge \"\(other.name)\" first, or activate \"\(adapter.name)\" alone")
      }
    }
  }

  /// The weights that a merge into a model folder starts from.
  private func originals(
    _ target: MergeTarget, besides name: String
  ) throws(AdapterError) -> [(parameter: Parameter, value: Tensor)] {
    guard case .original(let folder) = target else { return [] }
    guard let model = self as? CausalLM else {
      throw .wrongState("only a CausalLM can be merged into the weights of a model folder")
    }
    if let other = adapters.attachments.first(where: { $0.isMerged && $0.name != name }) {
      throw .wrongState(
        "\"\(other.name)\" is merged into the present weights; unmerge it before another is merged into those of a folder"
      )
    }
    do throws(CheckpointError) { return try model.originalWeights(in: folder) } catch {
      throw .file(error)
    }
  }

  /// Takes the change of an adapter out of the weights again: with no other merged, the base's own bits are back.
  ///
  /// - Parameter name: of a merged adapter.
  /// - Throws: `AdapterError` for an unknown adapter or one that is not merged.
  public func unmerge(_ name: String = "default") throws(AdapterError) {
    let adapter = try adapter(name)
    if !adapter.isMerged { throw .wrongState("\"\(name)\" is not merged") }
    // The base's own values come back, and the others are added again, each on what stands before it.
    var merging = Merging(
      places, restored: adapters.pristine.values.map { ($0.parameter, $0.value) })
    for other in mergedAdapters where other !== adapter { try merging.add(other) }
    merging.apply()
    for (key, entry) in adapters.pristine where !merging.changed.contains(key) {
      entry.parameter.content = entry.content
    }
    adapters.pristine = adapters.pristine.filter { merging.changed.contains($0.key) }
    adapter.mergeNumber = nil
  }

  /// Merges an adapter for good and removes it: the model is then one without it, with changed weights.
  ///
  /// Frees what `unmerge` would need. An adapter that is merged already stays so.
  ///
  /// - Parameters:
  ///   - name: of an active or merged adapter; no other may be merged.
  ///   - target: what its change is added to, where it is not merged already.
  /// - Returns: how the output of a probe changed; zeros where the adapter was merged before.
  /// - Throws: `AdapterError` as `merge`, and where another adapter is merged; nothing is changed then.
  @discardableResult
  public func mergeAndDetach(
    _ name: String = "default", into target: MergeTarget = .current
  ) throws(AdapterError) -> MergeReport {
    let adapter = try adapter(name)
    if let other = adapters.attachments.first(where: { $0.isMerged && $0.name != name }) {
      throw .wrongState(
        "\"\(other.name)\" is merged as well; unmerge it, or merge it for good first")
    }
    var report = MergeReport(
      parameters: adapters.pristine.count, largestDifference: 0, largestOutput: 0)
    if !adapter.isMerged { report = try merge(name, into: target) }
    adapters.pristine = [:]
    adapter.mergeNumber = nil
    try detach(name)
    return report
  }
}
