public import PEFTTransformer

/// An encoded row that can share a batch with others.
public protocol BatchableExample: Sendable {
  /// What a model takes.
  associatedtype Batch: TrainingBatch & Sendable
  /// How many tokens it has; examples of like counts share a batch with little padding.
  var tokenCount: Int { get }
  /// A batch of examples, padded to the longest.
  static func batch(_ examples: [Self], padding: Int32) -> Batch
}

extension TrainingExample: BatchableExample {
  /// How many tokens it has.
  public var tokenCount: Int { ids.count }

  /// A batch of examples, padded to the longest.
  public static func batch(_ examples: [TrainingExample], padding: Int32) -> TokenBatch {
    TokenBatch(rows: examples.map(\.ids), labels: examples.map(\.labels), padding: padding)
  }
}

/// The tokens of one row, and the class it belongs to.
public struct ClassificationExample: Sendable, Hashable {
  /// The tokens.
  public let ids: [Int32]
  /// The kind of every token, as of the first and the second text of a pair.
  public let types: [Int32]
  /// The number of the class.
  public let label: Int32

  /// An example from its parts; types are 0 where they are not given.
  public init(ids: [Int32], types: [Int32]? = nil, label: Int32) {
    precondition(
      types.map { $0.count == ids.count } ?? true,
      "ClassificationExample: \(types?.count ?? 0) types for \(ids.count) tokens")
    (self.ids, self.types, self.label) = (ids, types ?? ids.map { _ in 0 }, label)
  }
}

extension ClassificationExample: BatchableExample {
  /// How many tokens it has.
  public var tokenCount: Int { ids.count }

  /// A batch of examples, padded to the longest.
  public static func batch(
    _ examples: [ClassificationExample], padding: Int32
  ) -> ClassificationBatch {
    let hasTypes = examples.contains { $0.types.contains { $0 != 0 } }
    return ClassificationBatch(
      TokenRows(
        examples.map(\.ids), types: hasTypes ? examples.map(\.types) : nil, padding: padding),
      labels: examples.map(\.label))
  }
}
