/// A file of rows whose columns stand between commas or tabs.
///
/// The first row names the columns, or `columns` does where the file has no such row. Between commas, values may be quoted as
/// in RFC 4180, and then hold commas, line feeds and doubled quotation marks; between tabs a quotation mark is a character
/// like any other. Lines end with a line feed, with or without a carriage return; empty ones are skipped.
public struct DelimitedText: DataSource {
  /// The path of the file.
  public let path: String
  private let separator: UInt8
  private let isQuoted: Bool
  private let columns: [String]?

  private init(_ path: String, _ separator: UInt8, isQuoted: Bool, _ columns: [String]?) {
    (self.path, self.separator) = (path, separator)
    (self.isQuoted, self.columns) = (isQuoted, columns)
  }

  /// Comma-separated values.
  public static func csv(path: String, columns: [String]? = nil) -> DelimitedText {
    DelimitedText(path, UInt8(ascii: ","), isQuoted: true, columns)
  }

  /// Tab-separated values.
  public static func tsv(
    path: String, columns: [String]? = nil, isQuoted: Bool = false
  ) -> DelimitedText {
    DelimitedText(path, UInt8(ascii: "\t"), isQuoted: isQuoted, columns)
  }

  /// Opens the file, and reads the names of the columns.
  public func makeReader() throws(DataError) -> any RecordReader {
    let rows = try DelimitedRows(path: path, separator: separator, isQuoted: isQuoted)
    return try Reader(rows, columns)
  }

  private final class Reader: RecordReader {
    private let rows: DelimitedRows
    private let names: [String]

    init(_ rows: DelimitedRows, _ columns: [String]?) throws(DataError) {
      self.rows = rows
      if let columns {
        precondition(Self.repeated(columns) == nil, "DelimitedText: columns \(columns)")
        names = columns
        return
      }
      names = try rows.next() ?? []
      if let name = names.first(where: { $0.isEmpty }) ?? Self.repeated(names) {
        throw .invalidFile(
          path: rows.path, line: rows.start, expected: "a first row that names every column once",
          found: name.isEmpty ? "a column without a name" : "\"\(name)\" twice")
      }
    }

    func next() throws(DataError) -> DataRecord? {
      guard let values = try rows.next() else { return nil }
      guard values.count == names.count else {
        throw .invalidRow(
          path: rows.path, line: rows.start,
          expected: "\(names.count) columns (\(listed))",
          found: "\(values.count)")
      }
      return DataRecord(
        line: rows.start,
        fields: zip(names, values).map { DataRecord.Field($0, .text($1)) })
    }

    private var listed: String {
      names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", ..." : "")
    }

    private static func repeated(_ names: [String]) -> String? {
      var seen: Set<[UInt8]> = []
      return names.first { !seen.insert(Array($0.utf8)).inserted }
    }
  }
}
