import PEFTTensor
public import PEFTTransformer

extension AdapterHost {
  private var attached: [Adapter] { adapters.attachments.compactMap { $0 as? Adapter } }

  /// The attached adapter of a name.
  ///
  /// - Parameter name: as it was attached.
  /// - Returns: the adapter.
  /// - Throws: `AdapterError.unknownAdapter`.
  public func adapter(_ name: String) throws(AdapterError) -> Adapter {
    guard let adapter = attached.first(where: { $0.name == name }) else {
      throw .unknownAdapter(name, existing: adapters.names)
    }
    return adapter
  }

  /// Makes exactly these adapters take part in the forward pass; several are added up.
  ///
  /// - Parameter names: of attached adapters; empty for the base alone.
  /// - Throws: `AdapterError` for an unknown name, and where two would replace the same parameter; nothing is changed then.
  public func activate(_ names: [String]) throws(AdapterError) {
    var chosen: [Adapter] = []
    for name in names { chosen.append(try adapter(name)) }
    var owners: [ObjectIdentifier: Adapter] = [:]
    for adapter in chosen {
      for copy in adapter.copies {
        if let other = owners.updateValue(adapter, forKey: ObjectIdentifier(copy.base)),
          other !== adapter
        {
          throw .conflict(
            "\"\(other.name)\" and \"\(adapter.name)\" both replace \(copy.key); only one can be active"
          )
        }
      }
    }
    for adapter in attached where !chosen.contains(where: { $0 === adapter }) {
      adapter.isActive = false
    }
    for adapter in chosen { adapter.isActive = true }
  }

  /// Runs `body` with exactly these adapters active, and goes back to those before.
  ///
  /// Gradients that the others have gathered are kept.
  ///
  /// - Parameters:
  ///   - names: of attached adapters.
  ///   - body: what to run.
  /// - Returns: what `body` returns.
  /// - Throws: `AdapterError` as `activate`, and what `body` throws.
  public func withAdapters<Result>(
    _ names: [String], _ body: () throws -> Result
  ) throws -> Result {
    let before = attached.filter(\.isActive)
    let gradients = GatheredGradients(before.filter { !names.contains($0.name) })
    try activate(names)
    defer {
      for adapter in attached { adapter.isActive = before.contains { $0 === adapter } }
      gradients.giveBack()
    }
    return try body()
  }

  /// Runs `body` with the base alone, and goes back to the adapters before.
  ///
  /// An adapter that is merged stays in the weights. Gradients that the adapters have gathered are kept.
  ///
  /// - Parameter body: what to run.
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws.
  public func withoutAdapters<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = attached.filter(\.isActive)
    let gradients = GatheredGradients(before)
    for adapter in before { adapter.isActive = false }
    defer {
      for adapter in before { adapter.isActive = true }
      gradients.giveBack()
    }
    return try body()
  }

  /// Removes an adapter; with the last one, the base can be trained as before.
  ///
  /// - Parameter name: of an attached adapter, which is not merged.
  /// - Throws: `AdapterError` for an unknown name or a merged adapter.
  public func detach(_ name: String) throws(AdapterError) {
    let adapter = try adapter(name)
    if adapter.isMerged {
      throw .wrongState("\"\(name)\" is merged into the base; unmerge it before it is detached")
    }
    adapter.isActive = false
    for module in adapter.modules { module.emptySlot(for: adapter) }
    adapters.attachments.removeAll { $0 === adapter }
    if adapters.attachments.isEmpty {
      for parameter in adapters.trainableBefore { parameter.isTrainable = true }
      adapters.trainableBefore = []
    }
  }
}

/// Gradients that are put aside while their adapters are inactive, since a frozen parameter drops its own.
private struct GatheredGradients {
  private let entries: [(parameter: Parameter, gradient: Tensor)]

  init(_ adapters: [Adapter]) {
    entries = adapters.flatMap(\.parameters).compactMap { parameter in
      parameter.gradient.map { (parameter, $0) }
    }
  }

  func giveBack() {
    for (parameter, gradient) in entries where parameter.isTrainable {
      parameter.gradient = gradient
    }
  }
}
