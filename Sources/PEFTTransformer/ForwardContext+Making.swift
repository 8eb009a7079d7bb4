import PEFTTensor

extension ForwardContext {
  /// The context of a pass over whole rows; positions count from each row's first token that is no padding, or from what adapters
  /// put before it.
  ///
  /// Stops the program where the model cannot take the tokens.
  init(
    _ configuration: TransformerConfiguration, _ ids: Indices, keys: [Range<Int>],
    dropout: DropoutKeys?, virtual: VirtualTokens
  ) {
    precondition(ids.shape.count == 2, "ids of shape \(ids.shape), expected [B, T]")
    precondition(keys.count == ids.shape[0], "\(keys.count) key ranges for \(ids.shape)")
    do throws(ModelError) { try configuration.check(ids, keys: keys, virtual) } catch {
      preconditionFailure("\(configuration.modelType): \(error)")
    }
    let length = ids.shape[1] + virtual.prompt
    // Padding on the right counts on as in Transformers, except that no position past a table is looked up for it.
    let last =
      configuration.positions == .learned
      ? configuration.usablePositions - 1 : length + virtual.prefix
    let positions = keys.flatMap { range in
      (0..<length).map { place in
        let position = min(max(0, place - range.lowerBound) + virtual.prefix, last)
        return Int32(configuration.firstPosition + position)
      }
    }
    self.init(
      visible: .rows(
        keys.map { $0.extended(by: virtual.prompt) }, queries: length, past: 0),
      positions: Indices(positions, shape: [ids.shape[0], length]), dropout: dropout,
      sequenceLength: length + virtual.prefix, virtual: virtual)
    rows = keys.indices.map { $0 * length..<($0 + 1) * length }
  }

  /// The context of sequences of these lengths one after the other in one row.
  init(
    _ configuration: TransformerConfiguration, packed lengths: [Int], dropout: DropoutKeys?,
    virtual: VirtualTokens
  ) {
    var (rows, start): ([Range<Int>], Int) = ([], 0)
    for length in lengths {
      rows.append((start..<start + length).extended(by: virtual.prompt))
      start = rows.last?.upperBound ?? start
    }
    let segments = rows.filter { !$0.isEmpty }
    let first = configuration.firstPosition + virtual.prefix
    let positions = segments.flatMap { (0..<$0.count).map { Int32(first + $0) } }
    self.init(
      visible: .segments(segments), positions: Indices(positions, shape: [1, start]),
      dropout: dropout, sequenceLength: (lengths.max() ?? 0) + virtual.count, virtual: virtual)
    self.rows = rows
  }
}

extension Indices {
  /// Every place of every row of a matrix.
  var everything: [Range<Int>] { Array(repeating: 0..<shape[1], count: shape[0]) }
}
