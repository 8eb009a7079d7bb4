/// A place in the batches of a source: enough to go on exactly there.
public struct DataCursor: Sendable, Hashable {
  /// How far a streamed file was read for the batches before a place.
  public struct Stream: Sendable, Hashable {
    /// How many rows were drawn in the epoch.
    public var rows: Int
    /// How many tokens were in its batches.
    public var tokens: Int
    /// How many tokens the whole file has, by which it is known again.
    public var total: Int

    /// A place from its numbers.
    public init(rows: Int, tokens: Int, total: Int) {
      (self.rows, self.tokens, self.total) = (rows, tokens, total)
    }
  }

  /// The number of the epoch, from 0.
  public var epoch: Int
  /// The number of the next batch in it, from 0.
  public var batch: Int
  /// How far a streamed file was read; nil for batches in memory, and where nobody knows.
  public var stream: Stream?

  /// A place from its numbers; the first batch of all by default.
  public init(epoch: Int = 0, batch: Int = 0, stream: Stream? = nil) {
    (self.epoch, self.batch, self.stream) = (epoch, batch, stream)
  }

  /// Whether the next batch is the same one.
  func isSamePlace(as other: DataCursor) -> Bool { (epoch, batch) == (other.epoch, other.batch) }
}
