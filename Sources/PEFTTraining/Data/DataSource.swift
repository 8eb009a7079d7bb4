/// Records that can be read from the beginning any number of times: a file of some format.
///
/// A new format is one type of this kind; `DataFormat.all` makes it known to file names and commands.
public protocol DataSource: Sendable {
  /// Where the records come from, for messages: the path of the file.
  var path: String { get }

  /// Opens it at its first record.
  func makeReader() throws(DataError) -> any RecordReader
}

/// Reads records one by one.
public protocol RecordReader: AnyObject {
  /// The next record; nil after the last.
  ///
  /// After `DataError.invalidRow` the reader stands behind the bad row and can go on; after any other error it cannot.
  func next() throws(DataError) -> DataRecord?
}

/// The longest row that is read.
enum RowLimit {
  /// What is longer is not what the file is taken for, and would fill the memory.
  static let bytes = 1 << 26

  static func check(_ count: Int, path: String, line: Int) throws(DataError) {
    guard count > bytes else { return }
    throw .invalidFile(
      path: path, line: line, expected: "a row of at most \(bytes) bytes", found: "a longer one")
  }
}

/// Records that are made by a function, as by a client that has its own format or makes up its data.
public struct GeneratedRecords: DataSource {
  /// What messages call it.
  public let path: String
  private let record: @Sendable (Int) -> DataRecord?

  /// Records by their number from 0; nil after the last.
  public init(_ name: String, record: @escaping @Sendable (Int) -> DataRecord?) {
    (path, self.record) = (name, record)
  }

  /// Starts at 0.
  public func makeReader() -> any RecordReader { Reader(record: record) }

  private final class Reader: RecordReader {
    private let record: @Sendable (Int) -> DataRecord?
    private var place = 0

    init(record: @escaping @Sendable (Int) -> DataRecord?) { self.record = record }

    func next() -> DataRecord? {
      defer { place += 1 }
      return record(place)
    }
  }
}
