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

  /// Reads and encodes a JSON Lines file, line by line; only the encoded examples stay in memory.
  ///
  /// - Parameters:
  ///   - path: the path of a file of rows as `JSONLinesReader` takes them.
  ///   - encoder: turns rows into tokens.
  /// - Throws: `DataError` where the file cannot be read, a line is no row, or no example is left.
  public init(jsonLines path: String, encoder: ExampleEncoder) throws(DataError) {
    let reader = try JSONLinesReader(path: path)
    while let row = try reader.next() {
      let result = encoder.encode(row)
      if row.learned.isEmpty, result != .nothingLeft { emptyLines.append(reader.line) }
      switch result {
      case .whole(let example):
        examples.append(example)
      case .cut(let example):
        examples.append(example)
        cutCount += 1
      case .nothingLeft:
        skippedLines.append(reader.line)
      }
    }
    if examples.isEmpty { throw .noExamples(path: path, skipped: skippedLines.count) }
  }

  /// How many tokens all examples have.
  public var tokenCount: Int { examples.reduce(0) { $0 + $1.ids.count } }
}
