/// Reads the batches of one epoch that another thread makes.
final class StreamedBatchReader<Row: DataRow, Example: BatchableExample>: BatchReader {
  private(set) var cursor: DataCursor
  private let ahead: ReadAhead<(batch: Example.Batch, cursor: DataCursor)>
  private let path: String
  private let batchCount: Int

  init(_ source: StreamedBatches<Row, Example>, _ cursor: DataCursor) {
    self.cursor = cursor
    path = source.source.path
    batchCount = source.batchCount
    ahead = ReadAhead(depth: source.settings.ahead) { () throws(DataError) in
      try BatchMaker(source, cursor).next
    }
  }

  func next() throws(DataError) -> Example.Batch? {
    if cursor.batch >= batchCount { return nil }
    guard let (batch, cursor) = try ahead.next() else {
      throw .unreadable(path: path, reason: "it has fewer rows than when it was counted")
    }
    self.cursor = cursor
    return batch
  }
}
