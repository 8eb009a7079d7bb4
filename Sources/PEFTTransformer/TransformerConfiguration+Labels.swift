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
