import PEFTTransformer

/// The tokens of one row, and which of them are learned.
public struct TrainingExample: Sendable, Hashable {
  /// The tokens.
  public let ids: [Int32]
  /// As many as tokens: the token where it is learned, `TokenBatch.ignored` elsewhere.
  public let labels: [Int32]

  /// An example from its parts.
  public init(ids: [Int32], labels: [Int32]) {
    precondition(
      ids.count == labels.count, "TrainingExample: \(ids.count) ids, \(labels.count) labels")
    self.ids = ids
    self.labels = labels
  }

  /// An example in which every token is learned.
  public init(ids: [Int32]) { self.init(ids: ids, labels: ids) }

  /// How many labels count; the first token is predicted from nothing and never does.
  public var targetCount: Int { labels.dropFirst().count { $0 != TokenBatch.ignored } }
}
