/// Why a record is not the row it is taken for; the reader adds the file and the line.
public struct RowFault: Error, Hashable, Sendable {
  /// What a row looks like.
  public var expected: String
  /// What was there.
  public var found: String

  /// A fault from its parts.
  public init(expected: String, found: String) { (self.expected, self.found) = (expected, found) }
}
