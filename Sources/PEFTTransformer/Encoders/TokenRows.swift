public import PEFTTensor

/// Rows of tokens for an encoder, padded to one length.
public struct TokenRows: Sendable, Hashable {
  /// `[B, T]`.
  public let ids: Indices
  /// Which tokens of each row are no padding.
  public let keys: [Range<Int>]
  /// The kind of every token, as of the first and the second sentence of a pair, `[B, T]`; nil for 0.
  public let types: Indices?

  /// Rows from their parts.
  public init(ids: Indices, keys: [Range<Int>]? = nil, types: Indices? = nil) {
    precondition(
      ids.shape.count == 2 && types.map { $0.shape == ids.shape } ?? true
        && keys.map { $0.count == ids.shape[0] } ?? true,
      "TokenRows: ids \(ids.shape), types \(types?.shape ?? []), \(keys?.count ?? 0) key ranges")
    (self.ids, self.keys, self.types) = (ids, keys ?? ids.everything, types)
  }

  /// Pads rows on the right to the longest.
  ///
  /// - Parameters:
  ///   - rows: the tokens of each row, with those that the tokenizer puts around a sentence.
  ///   - types: as long as the tokens; nil for 0.
  ///   - padding: the id of padding; any valid id does.
  public init(_ rows: [[Int32]], types: [[Int32]]? = nil, padding: Int32 = 0) {
    precondition(
      types.map { $0.map(\.count) == rows.map(\.count) } ?? true,
      "TokenRows: types of \(types?.map(\.count) ?? []) tokens for rows of \(rows.map(\.count))")
    self.init(
      ids: Indices(rows: rows, padding: padding), keys: rows.map { 0..<$0.count },
      types: types.map { Indices(rows: $0, padding: 0) })
  }

  /// How many tokens are no padding.
  public var tokenCount: Int { keys.reduce(0) { $0 + $1.count } }
  /// Whether there is padding.
  var hasPadding: Bool { tokenCount < ids.count }

  /// The tokens that are no padding, in one row.
  var packed: TokenRows {
    func joined(_ values: Indices) -> Indices {
      let length = values.shape[1]
      let kept = keys.enumerated().flatMap { row, range in
        values.values[row * length + range.lowerBound..<row * length + range.upperBound]
      }
      return Indices(kept, shape: [1, kept.count])
    }
    return TokenRows(ids: joined(ids), types: types.map(joined))
  }
}

extension TransformerConfiguration {
  /// Whether an encoder can take these rows, each of which needs a token.
  ///
  /// - Throws: `ModelError` for the first thing that is wrong.
  func check(_ rows: TokenRows, _ virtual: VirtualTokens) throws(ModelError) {
    if rows.keys.isEmpty { throw .empty(row: 0) }
    try check(rows.ids, keys: rows.keys, virtual)
    for (row, keys) in rows.keys.enumerated() where keys.isEmpty { throw .empty(row: row) }
    guard let types = rows.types, tokenTypes > 0 else { return }
    for row in 0..<types.shape[0] {
      for (place, type) in types.row(row).enumerated()
      where !(0..<tokenTypes).contains(Int(type)) {
        throw .tokenTypeOutOfRange(row: row, place: place, type: type, types: tokenTypes)
      }
    }
  }
}
