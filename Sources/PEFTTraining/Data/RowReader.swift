/// What becomes of a bad row.
public enum BadRows: String, Sendable, Hashable {
  /// It is an error that names the file and the line.
  case fail
  /// It is counted and passed over.
  case skip
}

/// The rows of a data file, read one by one.
public final class RowReader<Row: DataRow> {
  /// The line on which the row begins that was read last, from 1.
  public private(set) var line = 0
  /// How many rows were passed over because they are bad.
  public private(set) var badCount = 0
  /// What was wrong with the first of them.
  public private(set) var firstBad: DataError?
  private let path: String
  private let records: any RecordReader
  private let names: [String: String]
  private let badRows: BadRows

  /// Opens a source.
  ///
  /// - Parameters:
  ///   - source: a file of records.
  ///   - names: what it calls the columns that rows have under other names.
  ///   - badRows: what becomes of a bad row.
  /// - Throws: `DataError` where it cannot be opened.
  public init(
    _ source: any DataSource, names: [String: String] = [:], badRows: BadRows = .fail
  ) throws(DataError) {
    path = source.path
    records = try source.makeReader()
    (self.names, self.badRows) = (names, badRows)
  }

  /// The next row.
  ///
  /// - Returns: a row, or nil after the last.
  /// - Throws: `DataError` naming the line, where it is no row.
  public func next() throws(DataError) -> Row? {
    while true {
      do {
        guard let record = try records.next() else { return nil }
        line = record.line
        return try row(record)
      } catch {
        guard badRows == .skip, case .invalidRow = error else { throw error }
        badCount += 1
        firstBad = firstBad ?? error
      }
    }
  }

  /// Treats the row that was read last as a bad one.
  ///
  /// - Parameters:
  ///   - expected: what a row would be.
  ///   - found: what it is.
  /// - Throws: `DataError.invalidRow`, unless bad rows are passed over.
  public func refuse(_ expected: String, found: String) throws(DataError) {
    let error = DataError.invalidRow(path: path, line: line, expected: expected, found: found)
    guard badRows == .skip else { throw error }
    badCount += 1
    firstBad = firstBad ?? error
  }

  private func row(_ record: DataRecord) throws(DataError) -> Row {
    do {
      return try Row(RowFields(record, names: names))
    } catch {
      throw .invalidRow(
        path: path, line: record.line, expected: error.expected, found: error.found)
    }
  }
}
