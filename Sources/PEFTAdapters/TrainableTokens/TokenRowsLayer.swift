public import PEFTTensor
public import PEFTTransformer

/// Some rows of a table of tokens by trained ones.
public final class TokenRowsLayer: EmbeddingAdapterLayer {
  /// The tokens, in the order of the rows.
  public let tokens: [Int32]
  /// `[n, D]`.
  public let rows: Parameter
  private let places: [Int32: Int32]

  init(tokens: [Int32], rows: Parameter, _ table: Embedding) {
    (self.tokens, self.rows) = (tokens, rows)
    places = Dictionary(uniqueKeysWithValues: tokens.enumerated().map { ($1, Int32($0)) })
  }

  /// What is inside, but for the tokens that have rows here.
  public func forward(
    _ ids: Indices, _ context: ForwardContext, inner: (Indices) -> Tensor
  ) -> Tensor {
    let inside = inner(ids)
    guard ids.values.contains(where: { places[$0] != nil }) else { return inside }
    let count = Int32(ids.count)
    let chosen = ids.values.enumerated().map { place, id in
      places[id].map { count + $0 } ?? Int32(place)
    }
    return Tensor.concatenated([inside.matrix, rows.tensor], axis: 0).rows(at: Indices(chosen))
      .reshaped(inside.shape)
  }

  /// The table with the rows in it.
  public func merged(_ table: Tensor, _ path: String) throws(AdapterError) -> Tensor {
    var values = table.array
    let (width, own) = (table.columns, rows.value.array)
    for (row, token) in tokens.enumerated() {
      values.replaceSubrange(
        Int(token) * width..<(Int(token) + 1) * width, with: own[row * width..<(row + 1) * width])
    }
    return Tensor(values, shape: table.shape)
  }
}

/// The head that shares a table of which some rows are trained: it has these as well.
public final class TiedTokenRowsLayer: LinearAdapterLayer {
  /// Those of the table; nil where it is not adapted.
  let rows: Parameter?
  private let table: Embedding
  private let tokens: Indices
  /// `[V, n]`: which output each row is for.
  private let outputs: Tensor

  init(tokens: [Int32], rows: Parameter?, _ table: Embedding) {
    (self.rows, self.table, self.tokens) = (rows, table, Indices(tokens))
    let size = table.weight.shape[0]
    var values = [Float](repeating: 0, count: size * tokens.count)
    for (column, token) in tokens.enumerated() where Int(token) < size {
      values[Int(token) * tokens.count + column] = 1
    }
    outputs = Tensor(values, shape: [size, tokens.count])
  }

  /// It adds a branch only.
  public var isAdditive: Bool { true }
  /// For what its rows differ by.
  public var readsBase: Bool { true }

  /// What the rows make of an input beyond those of the base; none where the table is not adapted.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] {
    guard let rows else { return [] }
    let base = table.weight.value.rows(at: tokens)
    return [LowRankBranch(a: rows.tensor - base, b: outputs, scale: 1)]
  }

  /// The map as it is: the weight is that of the table, in which the rows are put there.
  public func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap { map }
}
