/// A text, or a pair of texts, with the class it belongs to.
public struct LabelledRow: Sendable, Hashable {
  /// The text.
  public var text: String
  /// The second text of a pair.
  public var pair: String?
  /// What the class is called, or its number.
  public var label: String

  /// A row from its parts.
  public init(text: String, pair: String? = nil, label: String) {
    (self.text, self.pair, self.label) = (text, pair, label)
  }

  /// What the two texts of a pair are called in common data sets.
  private static let pairs = [
    ("text", "text_pair"), ("sentence1", "sentence2"), ("premise", "hypothesis"),
    ("question1", "question2"), ("question", "sentence"),
  ]
}

extension LabelledRow: DataRow {
  /// Reads `label` and `text` or `sentence`, or a pair: `text` and `text_pair`, `sentence1` and `sentence2`, `premise` and
  /// `hypothesis`, `question1` and `question2`, `question` and `sentence`.
  ///
  /// - Parameter fields: the values of a record; others are not looked at.
  /// - Throws: `RowFault` where something is missing, or the label is neither a string nor a whole number.
  public init(_ fields: RowFields) throws(RowFault) {
    let pair = Self.pairs.first { fields.has($0.0, $0.1) }
    let name = ["text", "sentence"].first { fields.has($0) }
    guard let value = fields["label"], let first = pair?.0 ?? name else {
      throw fields.fault("\"text\" and \"label\", or \"sentence1\", \"sentence2\" and \"label\"")
    }
    guard let label = value.label?.strippedOfWhiteSpace, !label.isEmpty else {
      throw RowFault(
        expected: "the name or number of a class as \"label\"",
        found: value.label == nil ? value.kind : "an empty string")
    }
    self.init(text: try fields.text(first), label: label)
    if let pair { self.pair = try fields.text(pair.1) }
  }
}
