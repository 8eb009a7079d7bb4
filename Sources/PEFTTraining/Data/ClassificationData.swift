/// The encoded examples of a file of texts with labels.
public struct ClassificationData: Sendable, Hashable {
  /// In the order of the file.
  public private(set) var examples: [ClassificationExample] = []
  /// How many examples were cut to the maximum length.
  public private(set) var cutCount = 0
  /// How many rows have no token, and are left out.
  public private(set) var emptyCount = 0
  /// How many bad rows were passed over.
  public private(set) var badCount = 0
  /// What was wrong with the first of them.
  public private(set) var firstBad: DataError?

  /// Reads and encodes a source, row by row; only the encoded examples stay in memory.
  ///
  /// - Parameters:
  ///   - source: a file of records, in any format.
  ///   - names: what it calls the columns that rows have under other names.
  ///   - badRows: what becomes of a bad row, and of one with an unknown label.
  ///   - encoder: turns rows into tokens.
  /// - Throws: `DataError` where the source cannot be read, a record is no row, or no example is left.
  public init(
    _ source: any DataSource, names: [String: String] = [:], badRows: BadRows = .fail,
    encoder: ClassificationEncoder
  ) throws(DataError) {
    let reader = try RowReader<LabelledRow>(source, names: names, badRows: badRows)
    while let row = try reader.next() {
      switch encoder.encodedRow(row) {
      case .example(let example, let isCut):
        examples.append(example)
        if isCut { cutCount += 1 }
      case .nothing:
        emptyCount += 1
      case .bad(let expected, let found):
        try reader.refuse(expected, found: found)
      }
    }
    (badCount, firstBad) = (reader.badCount, reader.firstBad)
    if examples.isEmpty { throw .noExamples(path: source.path, skipped: emptyCount) }
  }

  /// What the classes of a file are called: the labels in it, whole numbers by size and others by their bytes.
  ///
  /// - Parameters:
  ///   - source: a file of records, in any format.
  ///   - names: what it calls the columns that rows have under other names.
  ///   - badRows: what becomes of a bad row.
  /// - Returns: the labels, each once.
  /// - Throws: `DataError` where the source cannot be read or a record is no row.
  public static func labels(
    of source: any DataSource, names: [String: String] = [:], badRows: BadRows = .fail
  ) throws(DataError) -> [String] {
    let reader = try RowReader<LabelledRow>(source, names: names, badRows: badRows)
    var labels: Set<String> = []
    while let row = try reader.next() {
      labels.insert(row.label)
      if labels.count > maximumLabels {
        try reader.refuse(
          "one of at most \(maximumLabels) labels", found: "one more, \"\(row.label)\"")
        labels.remove(row.label)
      }
    }
    let numbers = labels.compactMap { Int($0) }
    if numbers.count == labels.count { return numbers.sorted().map { "\($0)" } }
    return labels.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// More labels than this are taken for a column that is none of labels.
  private static let maximumLabels = 10_000
}

extension ClassificationEncoder {
  /// What a row's label can be, for messages.
  var expectedLabel: String {
    let shown = labels.prefix(8).joined(separator: ", ")
    return "a label that is one of \(shown)\(labels.count > 8 ? ", ..." : "")"
  }
}
