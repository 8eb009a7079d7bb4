/// What became of a row on its way to a batch.
public enum EncodedRow<Example: Sendable>: Sendable {
  /// An example, and whether its end was cut off.
  case example(Example, isCut: Bool)
  /// There is nothing to learn in it; it is left out.
  case nothing
  /// It is a bad row.
  case bad(expected: String, found: String)
}

extension ExampleEncoder {
  /// The same as `encode`, as readers of files take it.
  public func encodedRow(_ row: TrainingRow) -> EncodedRow<TrainingExample> {
    switch encode(row) {
    case .whole(let example): .example(example, isCut: false)
    case .cut(let example): .example(example, isCut: true)
    case .nothingLeft: .nothing
    case .refused(let reason): .bad(expected: "a row that becomes tokens", found: reason)
    }
  }
}

extension ClassificationEncoder {
  /// The same as `encode`, as readers of files take it.
  public func encodedRow(_ row: LabelledRow) -> EncodedRow<ClassificationExample> {
    switch encode(row) {
    case .whole(let example): .example(example, isCut: false)
    case .cut(let example): .example(example, isCut: true)
    case .nothingLeft: .nothing
    case .unknownLabel(let label): .bad(expected: expectedLabel, found: "\"\(label)\"")
    }
  }
}
