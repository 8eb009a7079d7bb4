public import PEFTTensor

/// An encoder whose head scores every token by itself.
public protocol TokenScorer: TextModel {
  /// The part below the head.
  var encoder: Encoder { get }
  /// How many scores a token gets: as many as there are labels.
  var scoreCount: Int { get }
  /// The scores of hidden states.
  ///
  /// - Parameters:
  ///   - states: `[N, D]`.
  ///   - context: of these.
  /// - Returns: `[N, C]`.
  func scores(_ states: Tensor, _ context: ForwardContext) -> Tensor
}

extension TokenScorer {
  /// Whether the forward pass can take these tokens; it stops the program where it cannot.
  ///
  /// - Parameter rows: tokens.
  /// - Throws: `ModelError` for the first thing that is wrong.
  /// - Complexity: linear in the number of tokens.
  public func check(_ rows: TokenRows) throws(ModelError) {
    try configuration.check(rows, encoder.virtual)
  }

  /// Whether a loss can be computed for this batch; the computation stops the program where it cannot.
  ///
  /// - Parameter batch: tokens and labels.
  /// - Throws: `ModelError` for the first thing that is wrong.
  /// - Complexity: linear in the number of tokens.
  public func check(_ batch: TokenLabelBatch) throws(ModelError) {
    try check(batch.rows)
    for (row, keys) in batch.rows.keys.enumerated() {
      for (place, label) in batch.labels.row(row).enumerated() where label != TokenBatch.ignored {
        guard (0..<scoreCount).contains(Int(label)) else {
          throw .tokenLabelOutOfRange(row: row, place: place, label: label, labels: scoreCount)
        }
        guard keys.contains(place) else { throw .labelOnPadding(row: row, place: place) }
      }
    }
  }

  /// The scores of every token, before a softmax; zeros for padding, for which nothing is computed.
  ///
  /// Stops the program where `check` throws.
  ///
  /// - Parameter rows: tokens.
  /// - Returns: `[B, T, C]`.
  public func callAsFunction(_ rows: TokenRows) -> Tensor {
    let hidden = encoder.states(rows, configuration, dropout: nil)
    let (count, length) = (rows.keys.count, rows.ids.shape[1])
    let everything = rows.keys.enumerated().flatMap { row, keys in keys.map { (row, $0) } }
    let places = hidden.places(everything, rows, encoder.virtual)
    let scores = scores(hidden.states.rows(at: places), hidden.context.choosing(places))
    guard rows.hasPadding else { return scores.reshaped([count, length, scoreCount]) }
    var sources = [Int32](repeating: Int32(everything.count), count: count * length)
    for (index, (row, place)) in everything.enumerated() {
      sources[row * length + place] = Int32(index)
    }
    let empty = Tensor(zeros: [1, scoreCount])
    return Tensor.concatenated([scores, empty], axis: 0).rows(at: Indices(sources))
      .reshaped([count, length, scoreCount])
  }

  /// The mean cross-entropy of the labels that count, in nats: the loss of Hugging Face's models.
  ///
  /// The head is computed only where a label counts. NaN where none does. Stops the program where `check(_:)` throws.
  ///
  /// - Parameters:
  ///   - batch: tokens and labels.
  ///   - isTraining: whether dropout is active.
  ///   - smoothing: label smoothing.
  /// - Returns: a scalar, for `backward()`; in training with what adapters add to it.
  public func loss(
    _ batch: TokenLabelBatch, isTraining: Bool = true, smoothing: Float = 0
  ) -> Tensor {
    let (scores, targets) = scored(batch, dropout: isTraining ? dropoutKeys : nil)
    let loss = scores.crossEntropy(targets, smoothing: smoothing)
    guard isTraining, let penalty = adapters.penalty else { return loss }
    return loss + penalty
  }

  /// The sum of the losses of a batch in nats, and over how many labels it runs; for evaluation.
  public func evaluate(_ batch: TokenLabelBatch) -> (sum: Double, count: Int) {
    withoutGradients {
      let (scores, targets) = scored(batch, dropout: nil)
      let values = scores.labelLogProbabilities(targets)
      return (-values.reduce(0) { $0 + Double($1) }, targets.count)
    }
  }

  /// The scores of some fixed tokens.
  public func probeOutput() -> Tensor {
    withoutGradients { self(TokenRows(ids: configuration.probeTokens(encoder.virtual))) }
  }

  /// The scores where a label counts, and these labels.
  private func scored(
    _ batch: TokenLabelBatch, dropout: DropoutKeys?
  ) -> (scores: Tensor, targets: Indices) {
    do throws(ModelError) { try check(batch) } catch {
      preconditionFailure("\(configuration.modelType): \(error)")
    }
    let hidden = encoder.states(batch.rows, configuration, dropout: dropout)
    let length = batch.labels.shape[1]
    let counted = batch.labels.values.enumerated().filter { $0.element != TokenBatch.ignored }
    let places = hidden.places(
      counted.map { ($0.offset / length, $0.offset % length) }, batch.rows, encoder.virtual)
    return (
      scores(hidden.states.rows(at: places), hidden.context.choosing(places)),
      Indices(counted.map(\.element))
    )
  }
}

extension HiddenStates {
  /// Where tokens of padded rows, in their order, stand among the states.
  fileprivate func places(
    _ tokens: [(row: Int, place: Int)], _ rows: TokenRows, _ virtual: VirtualTokens
  ) -> Indices {
    Indices(
      tokens.map { row, place in
        Int32(
          ranges[row].lowerBound + virtual.prompt + place - rows.keys[row].lowerBound)
      })
  }
}
