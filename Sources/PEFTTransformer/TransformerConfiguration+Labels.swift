import PEFTJSON

extension TransformerConfiguration {
  /// The fields of `config.json` that name the classes.
  var labelFields: [JSON.Member] {
    guard !labels.isEmpty else { return [] }
    let numbered = labels.enumerated()
    return [
      .init("id2label", .object(numbered.map { .init("\($0)", .string($1)) })),
      .init("label2id", .object(numbered.map { .init($1, .integer($0)) })),
    ]
  }
}

extension TransformerConfiguration {
  /// Whether all labels are those of classes, or of rows that do not count.
  func check(labels found: [Int32]) throws(ModelError) {
    for (row, label) in found.enumerated()
    where label != TokenBatch.ignored && !labels.indices.contains(Int(label)) {
      throw .classOutOfRange(row: row, label: label, classes: labels.count)
    }
  }
}
