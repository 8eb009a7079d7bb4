import PEFTTensor
import PEFTTransformer

/// Which rows of a batch adapters serve, as a slot sees it.
///
/// The rows of an input are the flattened tokens: row r of the batch has `ranges[r]` of them.
struct RowChoice {
  private let ranges: [Range<Int>]

  /// The rows of an input of a slot, of whose shape `shape` is all but the features; stops the program where it does not have as many as
  /// adapters were chosen for.
  init(_ context: ForwardContext, shape: [Int], count: Int) {
    if context.rows.isEmpty {
      let rows = shape.first ?? 0
      precondition(
        rows == count, "withAdapters: \(count) rows were named, the input has shape \(shape)")
      let each = shape.dropFirst().reduce(1, *)
      ranges = (0..<rows).map { $0 * each..<($0 + 1) * each }
    } else {
      precondition(
        context.rows.count == count,
        "withAdapters: \(count) rows were named, the batch has \(context.rows.count)")
      ranges = context.rows
    }
  }

  /// The tokens of some rows of the batch, neighbours joined.
  func tokens(of rows: [Int]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    for range in rows.map({ ranges[$0] }) where !range.isEmpty {
      if let last = result.last, last.upperBound == range.lowerBound {
        result[result.count - 1] = last.lowerBound..<range.upperBound
      } else {
        result.append(range)
      }
    }
    return result
  }

  /// Applies a map of its own to each group of rows, and puts the results where the rows were.
  ///
  /// - Parameters:
  ///   - groups: the rows of each group; together all of them.
  ///   - part: the input of a range of tokens.
  ///   - join: joins the inputs of ranges.
  ///   - map: the map of a group, of its joined input.
  /// - Returns: `[tokens, M]`.
  func split<Input>(
    _ groups: [[Int]], part: (Range<Int>) -> Input, join: ([Input]) -> Input,
    map: (_ group: Int, Input) -> Tensor
  ) -> Tensor {
    var pieces: [(start: Int, value: Tensor)] = []
    for (index, rows) in groups.enumerated() {
      let tokens = tokens(of: rows)
      if tokens.isEmpty { continue }
      let output = map(index, join(tokens.map(part)))
      var start = 0
      for range in tokens {
        pieces.append((range.lowerBound, output.prefixAxis(start..<start + range.count)))
        start += range.count
      }
    }
    return .concatenated(pieces.sorted { $0.start < $1.start }.map { $0.value.contiguous }, axis: 0)
  }
}

extension Adapter {
  /// The groups of rows that the effective ones of some adapters serve, and those that none does, at the end; nil where nothing is chosen by row.
  static func groups(_ adapters: [Adapter]) -> (groups: [[Int]], count: Int)? {
    guard let count = adapters.lazy.compactMap(\.host).first?.adapters.rowCount else { return nil }
    let chosen = adapters.map { $0.rows ?? [] }
    let served = Set(chosen.joined())
    return (chosen + [(0..<count).filter { !served.contains($0) }], count)
  }
}

extension LinearSlot {
  /// The forward pass where rows have adapters of their own.
  ///
  /// Where all layers only add branches, the base is computed for all rows at once.
  func forwardByRows(
    _ input: Tensor, base: Linear, _ context: ForwardContext, _ groups: [[Int]], count: Int
  ) -> Tensor {
    let layers = entries.filter(\.adapter.isEffective).map(\.layer)
    let choice = RowChoice(context, shape: Array(input.shape.dropLast()), count: count)
    if layers.allSatisfy(\.isAdditive) {
      var branches: [LowRankBranch] = []
      for (layer, rows) in zip(layers, groups) {
        let tokens = choice.tokens(of: rows)
        if tokens.isEmpty { continue }
        for var branch in layer.branches(context) {
          branch.rows = tokens
          branches.append(branch)
        }
      }
      return base.project(input, branches: branches)
    }
    let matrix = input.matrix
    let output = choice.split(
      groups, part: { matrix.prefixAxis($0) },
      join: { .concatenated($0.map(\.contiguous), axis: 0) }
    ) { index, part in
      layers.indices.contains(index)
        ? forward(part, base: base, context, [layers[index]]) : base.project(part)
    }
    return output.reshaped(input.shape.dropLast() + [base.outputs])
  }
}

extension EmbeddingSlot {
  /// The lookup where rows have adapters of their own.
  func forwardByRows(
    _ ids: Indices, base: Embedding, _ context: ForwardContext, _ groups: [[Int]], count: Int
  ) -> Tensor {
    let layers = entries.filter(\.adapter.isEffective).map(\.layer)
    let choice = RowChoice(context, shape: ids.shape, count: count)
    let output = choice.split(
      groups, part: { Array(ids.values[$0]) }, join: { $0.flatMap { $0 } }
    ) { index, values in
      let part = Indices(values, shape: [values.count])
      return layers.indices.contains(index)
        ? layers[index].forward(part, context, inner: base.lookUp) : base.lookUp(part)
    }
    return output.reshaped(ids.shape + [output.columns])
  }
}
