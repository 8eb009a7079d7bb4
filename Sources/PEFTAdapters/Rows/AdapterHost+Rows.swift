import PEFTTensor
public import PEFTTransformer

extension AdapterHost {
  /// Runs `body` with an adapter of its own, or none, for each row of the batches in it, and goes back to the adapters before.
  ///
  /// Layers whose adapters only add low-rank branches compute the product of the base once for all rows. Gradients of a row reach its
  /// adapter only; the backward pass and the step of an optimiser belong into `body`, since the adapters that were not active
  /// before lose their gradients after it. Gradients that others have gathered are kept. A model of one's own whose inputs do not have
  /// the rows of the batch as their leading axis tells the layers by `ForwardContext.rows`. Stops the program for a batch of
  /// another number of rows.
  ///
  /// - Parameters:
  ///   - names: the name of an attached adapter for each row of the batch; nil for the base alone.
  ///   - body: what to run.
  /// - Returns: what `body` returns.
  /// - Throws: `AdapterError` for an unknown name and for adapters that act on all rows at once, as those that are merged
  ///   or replace parameters; and what `body` throws.
  public func withAdapters<Result>(
    rows names: [String?], _ body: () throws -> Result
  ) throws -> Result {
    var rows: [String: [Int]] = [:]
    for (row, name) in names.enumerated() {
      if let name { rows[name, default: []].append(row) }
    }
    var chosen: [Adapter] = []
    for name in rows.keys.sorted() {
      let adapter = try adapter(name)
      try adapter.checkRowwise()
      chosen.append(adapter)
    }
    if let merged = adapters.attachments.first(where: \.isMerged) {
      throw AdapterError.wrongState(
        "\"\(merged.name)\" is merged and so acts on every row; unmerge it first")
    }
    let before = adapters.rowCount
    return try withAdapters(chosen.map(\.name)) {
      let rowsBefore = chosen.map(\.rows)
      for adapter in chosen { adapter.rows = rows[adapter.name] }
      adapters.rowCount = names.count
      defer {
        for (adapter, rows) in zip(chosen, rowsBefore) { adapter.rows = rows }
        adapters.rowCount = before
      }
      return try body()
    }
  }
}

extension Adapter {
  /// Refuses an adapter that acts on more than the rows of linear layers and embeddings.
  fileprivate func checkRowwise() throws(AdapterError) {
    if let copy = copies.first {
      throw .conflict(
        "\"\(name)\" replaces \(copy.key), which all rows share; it cannot be chosen by row")
    }
    let other = modules.first { !($0.site.module is Linear) && !($0.site.module is Embedding) }
    if let path = other?.site.path {
      throw .conflict(
        "\"\(name)\" adapts \(path), which is no linear layer and no embedding; it cannot be chosen by row"
      )
    }
  }
}
