/// Batches that are made from a file while it is read, ahead of their use and on another thread.
///
/// Rows are read, shuffled in a bounded buffer, encoded and put together: what is in memory does not depend on the length of the
/// file. The file is read through once before, to count it and to find bad rows before a training starts; every epoch reads
/// it again.
public struct StreamedBatches<Row: DataRow, Example: BatchableExample>: BatchSource, Sendable {
  /// Turns a row into an example.
  public typealias Encode = @Sendable (Row) -> EncodedRow<Example>

  /// What there is in the file.
  public let counts: StreamCounts
  /// How many batches every epoch has.
  public let batchCount: Int
  let source: any DataSource
  let settings: StreamSettings
  let encode: Encode

  /// Batches of a file.
  ///
  /// - Parameters:
  ///   - source: a file of records, in any format.
  ///   - settings: how batches are made.
  ///   - encode: turns a row into an example; it is called on other threads.
  /// - Throws: `DataError` where the source cannot be read, a record is no row, or no example is left.
  public init(
    _ source: any DataSource, _ settings: StreamSettings, encode: @escaping Encode
  ) throws(DataError) {
    let counts = try StreamCounts(source, settings, encode)
    if counts.examples == 0 { throw .noExamples(path: source.path, skipped: counts.skipped) }
    self.init(source, settings, counts, encode)
  }

  private init(
    _ source: any DataSource, _ settings: StreamSettings, _ counts: StreamCounts,
    _ encode: @escaping Encode
  ) {
    (self.source, self.settings, self.counts, self.encode) = (source, settings, counts, encode)
    switch settings.size {
    case .rows(let count):
      precondition(count > 0, "StreamedBatches: \(count) rows")
      batchCount = (counts.examples + (settings.dropsLast ? 0 : count - 1)) / count
    case .tokens(let count):
      precondition(count > 0, "StreamedBatches: \(count) tokens")
      // With no example longer than a share, each share has the start of one, whatever their order.
      batchCount = max(1, counts.tokens / max(count, counts.longest))
    }
  }

  /// The same rows in the same order, in batches of another size; the file is not counted again.
  public func resized(_ size: StreamSettings.Size) -> StreamedBatches {
    var settings = settings
    settings.size = size
    return StreamedBatches(source, settings, counts, encode)
  }

  /// Opens an epoch at a batch; its batches are made from now on.
  ///
  /// - Parameter cursor: the batch that is read first.
  /// - Returns: reads this and the batches after it, to the end of the epoch.
  /// - Complexity: the rows before the place are read again. Where `cursor.stream` is not known, they may have to be encoded, too.
  public func makeReader(at cursor: DataCursor) -> any BatchReader<Example.Batch> {
    StreamedBatchReader(self, cursor)
  }
}
