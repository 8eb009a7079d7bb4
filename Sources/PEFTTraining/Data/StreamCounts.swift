/// What there is in a file that batches are streamed from.
public struct StreamCounts: Sendable, Hashable {
  /// How many examples.
  public private(set) var examples = 0
  /// How many tokens they have together.
  public private(set) var tokens = 0
  /// How many tokens the longest has.
  public private(set) var longest = 0
  /// How many examples were cut to the maximum length.
  public private(set) var cut = 0
  /// How many rows have nothing to learn, and are left out.
  public private(set) var skipped = 0
  /// How many bad rows were passed over.
  public private(set) var bad = 0
  /// What was wrong with the first of them.
  public private(set) var firstBad: String?

  /// Reads through a source.
  init<Row: DataRow, Example: BatchableExample>(
    _ source: any DataSource, _ settings: StreamSettings,
    _ encode: (Row) -> EncodedRow<Example>
  ) throws(DataError) {
    let reader = try RowReader<Row>(source, names: settings.names, badRows: settings.badRows)
    while let row = try reader.next() {
      switch encode(row) {
      case .example(let example, let isCut):
        examples += 1
        tokens += example.tokenCount
        longest = max(longest, example.tokenCount)
        if isCut { cut += 1 }
      case .nothing:
        skipped += 1
      case .bad(let expected, let found):
        try reader.refuse(expected, found: found)
      }
    }
    bad = reader.badCount
    firstBad = reader.firstBad?.description
  }
}
