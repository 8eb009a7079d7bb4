/// The encoded examples of a file.
public struct TrainingData: Sendable, Hashable {
  /// In the order of the file.
  public private(set) var examples: [TrainingExample] = []
  /// The lines, from 1, of which no token that is learned fits into the maximum length; they are left out.
  public private(set) var skippedLines: [Int] = []
  /// The lines, from 1, whose completion or text is empty: only the token that ends a text is learned from them, which is
  /// how a model learns to say nothing, but more often a gap in the data.
  public private(set) var emptyLines: [Int] = []
  /// How many examples were cut to the maximum length.
  public private(set) var cutCount = 0

  /// How many bad rows were passed over.
  public private(set) var badCount = 0
  /// What was wrong with the first of them.
  public private(set) var firstBad: DataError?

  /// Reads and encodes a JSON Lines file, line by line; only the encoded examples stay in memory.
  ///
  /// - Parameters:
  ///   - path: the path of a file of rows as `TrainingRow` reads them.
  ///   - encoder: turns rows into tokens.
  /// - Throws: `DataError` where the file cannot be read, a line is no row, or no example is left.
  public init(jsonLines path: String, encoder: ExampleEncoder) throws(DataError) {
    try self.init(JSONLines(path: path), encoder: encoder)
  }

  /// Reads and encodes a source, row by row; only the encoded examples stay in memory.
  ///
  /// - Parameters:
  ///   - source: a file of records, in any format.
  ///   - names: what it calls the columns that rows have under other names.
  ///   - badRows: what becomes of a bad row.
  ///   - encoder: turns rows into tokens.
  /// - Throws: `DataError` where the source cannot be read, a record is no row, or no example is left.
  public init(
    _ source: any DataSource, names: [String: String] = [:],
    badRows: BadRows = .fail, encoder: ExampleEncoder
  ) throws(DataError) {
    let reader = try RowReader<TrainingRow>(source, names: names, badRows: badRows)
    while let row = try reader.next() {
      switch encoder.encodedRow(row) {
      case .example(let example, let isCut):
        examples.append(example)
        if isCut { cutCount += 1 }
        if !row.hasLearnedText(encoder.learnedTurns) { emptyLines.append(reader.line) }
      case .nothing:
        skippedLines.append(reader.line)
      case .bad(let expected, let found):
        try reader.refuse(expected, found: found)
      }
    }
    (badCount, firstBad) = (reader.badCount, reader.firstBad)
    if examples.isEmpty { throw .noExamples(path: source.path, skipped: skippedLines.count) }
  }

  /// How many tokens all examples have.
  public var tokenCount: Int { examples.reduce(0) { $0 + $1.ids.count } }
}
