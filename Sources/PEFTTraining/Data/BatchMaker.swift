import PEFTTensor

/// Makes the streamed batches of one epoch; lives on one thread.
final class BatchMaker<Row: DataRow, Example: BatchableExample> {
  private let source: StreamedBatches<Row, Example>
  private let rows: ShuffledRows<Row>
  private var cursor: DataCursor
  /// Up to where the batches until now reach.
  private var place: DataCursor.Stream
  /// An example that was drawn and belongs to the next batch.
  private var pending: Example?
  private var drawn = 0

  /// Goes to a place of an epoch.
  init(_ source: StreamedBatches<Row, Example>, _ cursor: DataCursor) throws(DataError) {
    self.source = source
    let settings = source.settings
    rows = ShuffledRows(
      try RowReader(source.source, names: settings.names, badRows: settings.badRows),
      capacity: settings.shuffleBuffer,
      seed: Generator.mix(settings.seed) &+ UInt64(truncatingIfNeeded: cursor.epoch))
    self.cursor = DataCursor(epoch: cursor.epoch)
    place = DataCursor.Stream(rows: 0, tokens: 0, total: source.counts.tokens)
    if let stream = cursor.stream, stream.total == source.counts.tokens {
      try draw(stream.rows)
      (self.cursor.batch, place) = (cursor.batch, stream)
    } else {
      try skip(cursor.batch)
    }
  }

  /// The next batch, and the place behind it; nil after the last.
  func next() throws(DataError) -> (batch: Example.Batch, cursor: DataCursor)? {
    var examples: [Example] = []
    while let example = try takeExample() {
      guard belongs(example, having: examples.count) else {
        pending = example
        break
      }
      examples.append(example)
      place.rows = drawn
      place.tokens += example.tokenCount
    }
    if examples.isEmpty { return nil }
    cursor.batch += 1
    cursor.stream = place
    return (Example.batch(examples, padding: source.settings.padding), cursor)
  }

  /// Goes past batches from the start of the epoch on.
  private func skip(_ count: Int) throws(DataError) {
    let counts = source.counts
    // Where every row is an example, batches of rows begin at known rows.
    if case .rows(let size) = source.settings.size, counts.skipped == 0, counts.bad == 0 {
      try draw(min(count * size, counts.examples))
      (cursor.batch, place.rows) = (count, drawn)
      // Nothing but batches by tokens looks at their number, and those are not skipped this way.
      return
    }
    for _ in 0..<count { _ = try next() }
  }

  private func belongs(_ example: Example, having count: Int) -> Bool {
    switch source.settings.size {
    case .rows(let size): count < size
    // An example belongs to the share of all tokens in which it starts.
    case .tokens: place.tokens * source.batchCount / place.total <= cursor.batch
    }
  }

  private func takeExample() throws(DataError) -> Example? {
    guard let example = pending else { return try nextExample() }
    pending = nil
    return example
  }

  private func nextExample() throws(DataError) -> Example? {
    while let (row, line) = try rows.next() {
      drawn += 1
      switch source.encode(row) {
      case .example(let example, _): return example
      case .nothing: continue
      case .bad(let expected, let found):
        guard source.settings.badRows == .fail else { continue }
        throw .invalidRow(
          path: source.source.path, line: line, expected: expected, found: found)
      }
    }
    return nil
  }

  /// Goes past rows without encoding them.
  private func draw(_ count: Int) throws(DataError) {
    for _ in 0..<count where try rows.next() == nil { break }
    drawn += count
  }
}
