/// What can be wrong with training data.
public enum DataError: Error, Hashable, Sendable {
  /// A file cannot be read.
  case unreadable(path: String, reason: String)
  /// A row, by its line from 1, is no training row; the rows after it can be read.
  case invalidRow(path: String, line: Int, expected: String, found: String)
  /// A file, at a line from 1, is not what it is taken for; nothing after that can be read.
  case invalidFile(path: String, line: Int, expected: String, found: String)
  /// A file has no row, or none of which a token that is learned fits into the maximum length.
  case noExamples(path: String, skipped: Int)
}

extension DataError: CustomStringConvertible {
  /// What is wrong, and where.
  public var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason)"
    case .invalidRow(let path, let line, let expected, let found),
      .invalidFile(let path, let line, let expected, let found):
      "\(path):\(line): expected \(expected), found \(found)"
    case .noExamples(let path, let skipped):
      skipped == 0
        ? "\(path): no rows: the file is empty"
        : "\(path): no token to learn is left in any of \(skipped) rows: raise the maximum length "
          + "or shorten the prompts"
    }
  }
}
