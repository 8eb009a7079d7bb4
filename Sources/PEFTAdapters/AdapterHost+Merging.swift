import PEFTTensor
public import PEFTTransformer

/// How well a merged model agrees with the adapted one.
public struct MergeReport: Sendable, Hashable {
  /// How many parameters of the base were changed.
  public var parameters: Int
  /// The largest difference of an output of the probe, before and after.
  public var largestDifference: Float
  /// The largest output of the probe, to compare with.
  public var largestOutput: Float

  /// The difference as a share of the largest output.
  public var relativeDifference: Float {
    largestOutput > 0 ? largestDifference / largestOutput : largestDifference
  }
}

extension AdapterHost {
  /// Adds the change of an adapter to the weights of the base, which is kept as it was for `unmerge`.
  ///
  /// In float32: `W + s B A`. The adapter must be active, so that the report compares what it should.
  ///
  /// - Parameter name: of an active adapter.
  /// - Returns: how the output of a probe changed, which is by rounding only.
  /// - Throws: `AdapterError` for an unknown, inactive or merged adapter, one that cannot be merged, or one whose
  ///   numbers are not finite; nothing is changed then.
  @discardableResult
  public func merge(_ name: String = "default") throws(AdapterError) -> MergeReport {
    let adapter = try adapter(name)
    if adapter.isMerged { throw .wrongState("\"\(name)\" is merged already") }
    if !adapter.isActive {
      throw .wrongState("\"\(name)\" is not active; activate it before it is merged")
    }
    let changes = try adapter.changes()
    let before = probeOutput()
    for (parameter, value) in changes {
      let key = ObjectIdentifier(parameter)
      if adapters.pristine[key] == nil { adapters.pristine[key] = (parameter, parameter.value) }
      parameter.value = value
    }
    adapter.setMerged(true)
    let after = probeOutput()
    return MergeReport(
      parameters: changes.count,
      largestDifference: zip(before.array, after.array).reduce(0) { max($0, abs($1.0 - $1.1)) },
      largestOutput: before.array.reduce(0) { max($0, abs($1)) })
  }

  /// Takes the change of an adapter out of the weights again: with no other merged, the base's own bits are back.
  ///
  /// - Parameter name: of a merged adapter.
  /// - Throws: `AdapterError` for an unknown adapter or one that is not merged.
  public func unmerge(_ name: String = "default") throws(AdapterError) {
    let adapter = try adapter(name)
    if !adapter.isMerged { throw .wrongState("\"\(name)\" is not merged") }
    for (parameter, value) in adapters.pristine.values { parameter.value = value }
    adapters.pristine = [:]
    adapter.setMerged(false)
    // The others are put back one by one, each on what stands before it.
    for other in adapters.attachments.compactMap({ $0 as? LoRAAdapter }) where other.isMerged {
      for (parameter, value) in try other.changes() {
        let key = ObjectIdentifier(parameter)
        if adapters.pristine[key] == nil { adapters.pristine[key] = (parameter, parameter.value) }
        parameter.value = value
      }
    }
  }
}

extension LoRAAdapter {
  /// The parameters of the base that a merge changes, and what they become.
  fileprivate func changes() throws(AdapterError) -> [(Parameter, Tensor)] {
    var changes: [(Parameter, Tensor)] = []
    for (path, base, layer) in layers {
      try add(layer.delta(base.layout), to: base.weight, path, &changes)
      guard let bias = layer.bias else { continue }
      guard let baseBias = base.bias else {
        throw .notAdaptable(
          module: path, reason: "it has no bias that the adapter's could be merged into")
      }
      // A copy of the bias that the adapter trains comes first.
      let start = copies.first { $0.base === baseBias }?.copy.value ?? baseBias.value
      let sum = withoutGradients { start + bias.value * layer.scale }
      try append(baseBias, sum, "\(path).bias", &changes)
    }
    for (path, base, layer) in embeddings {
      try add(layer.delta(), to: base.weight, path, &changes)
    }
    for (key, base, copy) in copies where !changes.contains(where: { $0.0 === base }) {
      if base.isTied, base.value.storage !== copy.value.storage,
        !copies.contains(where: { base.isTied(to: $0.base) })
      {
        throw .notAdaptable(
          module: key,
          reason:
            "it is tied to the embedding, which a merge would change as well; train both or untie them"
        )
      }
      if !base.isTied { try append(base, copy.value, key, &changes) }
    }
    return changes
  }

  private func add(
    _ delta: Tensor, to parameter: Parameter, _ path: String,
    _ changes: inout [(Parameter, Tensor)]
  ) throws(AdapterError) {
    if parameter.isTied {
      throw .notAdaptable(
        module: path,
        reason: "its weight is tied to the embedding, which a merge would change as well")
    }
    let sum = withoutGradients { parameter.value + delta }
    try append(parameter, sum, "\(path).weight", &changes)
  }

  private func append(
    _ parameter: Parameter, _ value: Tensor, _ path: String,
    _ changes: inout [(Parameter, Tensor)]
  ) throws(AdapterError) {
    guard value.isFinite else { throw .notFinite(adapter: name, parameter: path) }
    changes.append((parameter, value))
  }
}
