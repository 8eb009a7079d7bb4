public import PEFTTensor

/// Rows of tokens for training or evaluation, padded to one length, with the labels that count.
public struct TokenBatch: Sendable, Hashable {
  /// The label of a position that does not count.
  public static let ignored: Int32 = -100

  /// `[B, T]`.
  public let ids: Indices
  /// Which tokens of each row are no padding.
  public let keys: [Range<Int>]
  /// `[B, T]`: the token at each place where it is to be predicted, `ignored` elsewhere.
  ///
  /// The label at place t is predicted from the tokens before t.
  public let labels: Indices

  /// A batch from its parts.
  public init(ids: Indices, keys: [Range<Int>], labels: Indices) {
    precondition(
      ids.shape.count == 2 && ids.shape == labels.shape && keys.count == ids.shape[0],
      "TokenBatch: ids \(ids.shape), labels \(labels.shape), \(keys.count) key ranges")
    (self.ids, self.keys, self.labels) = (ids, keys, labels)
  }

  /// Pads rows on the right to the longest.
  ///
  /// - Parameters:
  ///   - rows: the tokens of each row.
  ///   - labels: as long as the tokens; nil where every token but the first counts.
  ///   - padding: the id of padding; any valid id does.
  public init(rows: [[Int32]], labels: [[Int32]]? = nil, padding: Int32 = 0) {
    precondition(
      labels.map { $0.map(\.count) == rows.map(\.count) } ?? true,
      "TokenBatch: labels of \(labels?.map(\.count) ?? []) tokens for rows of \(rows.map(\.count))")
    self.init(
      ids: Indices(rows: rows, padding: padding), keys: rows.map { 0..<$0.count },
      labels: Indices(rows: labels ?? rows, padding: Self.ignored))
  }

  /// How many tokens are no padding.
  public var tokenCount: Int { keys.reduce(0) { $0 + $1.count } }

  /// The places, in the flattened ids, from which a label is predicted, and these labels.
  public var targets: (places: Indices, labels: Indices) {
    let length = ids.shape[1]
    var (places, targets): ([Int32], [Int32]) = ([], [])
    for row in 0..<ids.shape[0] {
      for position in stride(from: 1, to: length, by: 1) {
        let label = labels.values[row * length + position]
        if label != Self.ignored {
          places.append(Int32(row * length + position - 1))
          targets.append(label)
        }
      }
    }
    return (Indices(places), Indices(targets))
  }

  /// Whether there is padding, and no label that is predicted from it or stands on it.
  var hasIdlePadding: Bool {
    let length = ids.shape[1]
    guard tokenCount < ids.count else { return false }
    return keys.enumerated().allSatisfy { row, range in
      (1..<max(1, length)).allSatisfy { place in
        range.dropFirst().contains(place)
          || labels.values[row * length + place] == Self.ignored
      }
    }
  }

  /// The tokens that are no padding in one row, with their labels; the first token of each row has none.
  var packed: TokenBatch {
    let length = ids.shape[1]
    var (tokens, targets): ([Int32], [Int32]) = ([], [])
    for (row, range) in keys.enumerated() where !range.isEmpty {
      let places = row * length + range.lowerBound..<row * length + range.upperBound
      tokens += ids.values[places]
      targets += [Self.ignored] + labels.values[places].dropFirst()
    }
    return TokenBatch(
      ids: Indices(tokens, shape: [1, tokens.count]), keys: [0..<tokens.count],
      labels: Indices(targets, shape: [1, targets.count]))
  }

  /// How many labels count.
  public var targetCount: Int { targets.labels.count }
}
