public import PEFTTokenizers

/// Turns rows of text with a label into tokens and the number of a class.
public struct ClassificationEncoder: Sendable {
  /// What became of a row.
  public enum Result: Sendable, Hashable {
    /// It fits.
    case whole(ClassificationExample)
    /// Its end was cut off, before the token that ends it.
    case cut(ClassificationExample)
    /// It has no token.
    case nothingLeft
    /// Its label is none of the classes.
    case unknownLabel(String)
  }

  /// What the classes are called.
  public let labels: [String]
  /// How many tokens an example has at most.
  public let maximumLength: Int
  private let tokenizer: Tokenizer

  /// An encoder over the tokenizer of an encoder model, which puts its special tokens around.
  ///
  /// - Parameters:
  ///   - tokenizer: of the model.
  ///   - labels: what the classes are called; a row may also give the number of one.
  ///   - maximumLength: of what is longer the end is cut off, of a pair that of the longer text.
  public init(_ tokenizer: Tokenizer, labels: [String], maximumLength: Int) {
    precondition(maximumLength > 3, "ClassificationEncoder: maximum length \(maximumLength)")
    (self.tokenizer, self.labels, self.maximumLength) = (tokenizer, labels, maximumLength)
  }

  /// The tokens and the class of a row.
  public func encode(_ row: LabelledRow) -> Result {
    guard let label = number(of: row.label) else { return .unknownLabel(row.label) }
    if row.pair == nil {
      let ids = tokenizer.encode(row.text)
      if ids.isEmpty { return .nothingLeft }
      if ids.count <= maximumLength {
        return .whole(ClassificationExample(ids: ids, label: label))
      }
    }
    let encoding = tokenizer.encoding(of: row.text, pair: row.pair)
    if encoding.ids.isEmpty { return .nothingLeft }
    if encoding.ids.count <= maximumLength {
      return .whole(
        ClassificationExample(ids: encoding.ids, types: encoding.typeIDs, label: label))
    }
    let truncation = Truncation(maximumLength: maximumLength)
    guard
      let encoding = try? tokenizer.encoding(
        of: row.text, pair: row.pair, truncation: truncation)
    else { return .nothingLeft }
    return .cut(ClassificationExample(ids: encoding.ids, types: encoding.typeIDs, label: label))
  }

  /// The number of the class with this name or number.
  private func number(of label: String) -> Int32? {
    let place = labels.firstIndex { $0.utf8.elementsEqual(label.utf8) }
    guard let number = place ?? Int(label), labels.indices.contains(number) else { return nil }
    return Int32(number)
  }
}
