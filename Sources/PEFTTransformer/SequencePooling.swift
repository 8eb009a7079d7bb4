import PEFTTensor

/// Which hidden states of a row of tokens stand for the whole of it.
public enum SequencePooling: Sendable, Hashable {
  /// That of the first token, or of the first of a prompt before it.
  case firstToken
  /// That of the last token other than `padding`, as Transformers finds it: tokens of that id at the end are passed over even where
  /// they are no padding, and of a row of nothing else the first token counts.
  case lastToken(padding: Int32?)
  /// Their mean.
  case mean
}

extension SequencePooling {
  /// What stands for each row, `[B, D]`, and the context of these.
  ///
  /// - Parameters:
  ///   - hidden: the states after the last block.
  ///   - finished: what a head sees of them, each by itself; computed for no more than is needed.
  /// - Returns: one vector a row.
  func callAsFunction(
    _ hidden: HiddenStates, _ finished: (Tensor) -> Tensor
  ) -> (vectors: Tensor, context: ForwardContext) {
    let places: [Int]
    switch self {
    case .mean:
      var context = hidden.context
      context.rows = []
      return (hidden.means(of: finished(hidden.states)), context)
    case .firstToken: places = hidden.ranges.map(\.lowerBound)
    case .lastToken(let padding):
      places = zip(hidden.ranges, hidden.tokens).map { range, tokens in
        let passed = tokens.reversed().prefix { $0 == padding }.count
        return range.upperBound - 1 - min(passed, tokens.count - 1)
      }
    }
    let indices = Indices(places.map(Int32.init))
    return (finished(hidden.states.rows(at: indices)), hidden.context.choosing(indices))
  }
}

/// The hidden states of rows of tokens after the last block.
struct HiddenStates {
  /// `[N, D]`: of what is no padding, or of padded rows one after the other.
  let states: Tensor
  /// Where the tokens of each row stand, a prompt before them included.
  let ranges: [Range<Int>]
  /// The tokens of each row that are no padding.
  let tokens: [ArraySlice<Int32>]
  /// Of the forward pass.
  let context: ForwardContext

  /// The mean of each row of something at every place, `[B, D]`.
  fileprivate func means(of states: Tensor) -> Tensor {
    var weights = [Float](repeating: 0, count: ranges.count * states.rows)
    for (row, range) in ranges.enumerated() {
      for place in range { weights[row * states.rows + place] = 1 / Float(range.count) }
    }
    return Tensor(weights, shape: [ranges.count, states.rows]).matrixProduct(states)
  }
}

extension PromptedStack {
  /// The hidden states of what is no padding, prompts included, before a final norm.
  ///
  /// Nothing is computed for padding where the length of the padded rows has no part in the maths: the rows are joined to one, in which
  /// each sees itself only. Stops the program where `check` of the model throws.
  func states(
    _ rows: TokenRows, _ configuration: TransformerConfiguration, dropout: DropoutKeys?
  ) -> HiddenStates {
    do throws(ModelError) { try configuration.check(rows, virtual) } catch {
      preconditionFailure("\(configuration.modelType): \(error)")
    }
    let isPacked = rows.hasPadding && !configuration.dependsOnLength
    let context =
      isPacked
      ? ForwardContext(
        configuration, packed: rows.keys.map(\.count), dropout: dropout, virtual: virtual)
      : ForwardContext(configuration, rows.ids, keys: rows.keys, dropout: dropout, virtual: virtual)
    let input = isPacked ? rows.packed : rows
    let ranges =
      isPacked
      ? context.rows
      : zip(context.rows, rows.keys).map { row, keys in
        let start = row.lowerBound + keys.lowerBound
        return start..<start + keys.count + virtual.prompt
      }
    return HiddenStates(
      states: self(input.ids, types: input.types, context).matrix, ranges: ranges,
      tokens: rows.keys.enumerated().map { row, keys in
        let tokens = rows.ids.row(row)
        return tokens[tokens.startIndex + keys.lowerBound..<tokens.startIndex + keys.upperBound]
      }, context: context)
  }
}

extension TransformerConfiguration {
  /// Whether positions are stretched by the length of the padded rows.
  var dependsOnLength: Bool {
    if case .rotary(let scaling) = positions { scaling.dependsOnLength } else { false }
  }
}
