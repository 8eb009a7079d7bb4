/// Rows of tokens, each with the class it belongs to.
public struct ClassificationBatch: Sendable, Hashable {
  /// What is classified.
  public let rows: TokenRows
  /// The class of each row; `TokenBatch.ignored` where it does not count.
  public let labels: [Int32]

  /// A batch from its parts.
  public init(_ rows: TokenRows, labels: [Int32]) {
    precondition(
      labels.count == rows.keys.count,
      "ClassificationBatch: \(labels.count) labels for \(rows.keys.count) rows")
    (self.rows, self.labels) = (rows, labels)
  }

  /// How many labels count.
  public var targetCount: Int { labels.count { $0 != TokenBatch.ignored } }
  /// How many tokens are no padding.
  public var tokenCount: Int { rows.tokenCount }
}
