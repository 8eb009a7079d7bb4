public import PEFTTensor

/// Rows of tokens for an encoder, with a label on each token that counts: the token that a mask hides, or the class of a word.
public struct TokenLabelBatch: Sendable, Hashable {
  /// What the model sees.
  public let rows: TokenRows
  /// `[B, T]`: the label of the token at each place; `TokenBatch.ignored` where none counts.
  public let labels: Indices

  /// A batch from its parts.
  public init(_ rows: TokenRows, labels: Indices) {
    precondition(
      labels.shape == rows.ids.shape,
      "TokenLabelBatch: labels \(labels.shape) for ids \(rows.ids.shape)")
    (self.rows, self.labels) = (rows, labels)
  }

  /// Pads rows and labels on the right to the longest.
  ///
  /// - Parameters:
  ///   - rows: the tokens of each row.
  ///   - labels: as long as the tokens.
  ///   - types: the kinds of the tokens; nil for 0.
  ///   - padding: the id of padding; any valid id does.
  public init(
    _ rows: [[Int32]], labels: [[Int32]], types: [[Int32]]? = nil, padding: Int32 = 0
  ) {
    precondition(
      labels.map(\.count) == rows.map(\.count),
      "TokenLabelBatch: labels of \(labels.map(\.count)) tokens for rows of \(rows.map(\.count))")
    self.init(
      TokenRows(rows, types: types, padding: padding),
      labels: Indices(rows: labels, padding: TokenBatch.ignored))
  }

  /// Hides a share of the tokens, which are the labels then, as BERT was trained (arXiv 1810.04805): of ten hidden ones eight become the
  /// mask, one becomes any token, one stays.
  ///
  /// - Parameters:
  ///   - rows: whole rows.
  ///   - mask: the token of the mask.
  ///   - special: tokens that are never hidden, as those around a sentence.
  ///   - vocabularySize: V.
  ///   - share: how many are hidden.
  ///   - generator: draws which.
  public init(
    masking rows: TokenRows, with mask: Int32, sparing special: Set<Int32> = [],
    vocabularySize: Int, share: Double = 0.15, using generator: inout some RandomNumberGenerator
  ) {
    var ids = rows.ids.values
    var labels = [Int32](repeating: TokenBatch.ignored, count: ids.count)
    let length = rows.ids.shape[1]
    for (row, keys) in rows.keys.enumerated() {
      for place in keys.map({ row * length + $0 }) where !special.contains(ids[place]) {
        guard Double.random(in: 0..<1, using: &generator) < share else { continue }
        labels[place] = ids[place]
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: ids[place] = Int32.random(in: 0..<Int32(vocabularySize), using: &generator)
        case 1: break
        default: ids[place] = mask
        }
      }
    }
    self.init(
      TokenRows(ids: Indices(ids, shape: rows.ids.shape), keys: rows.keys, types: rows.types),
      labels: Indices(labels, shape: rows.ids.shape))
  }

  /// How many labels count.
  public var targetCount: Int { labels.values.count { $0 != TokenBatch.ignored } }
  /// How many tokens are no padding.
  public var tokenCount: Int { rows.tokenCount }
}
