import PEFTTensor

/// The rows of a reader in an order that a seed chooses, with no more of them in memory than a buffer holds.
///
/// Each time one of the rows in the buffer is drawn, and the next of the reader takes its place: a row comes at most as many
/// places too early as the buffer is long.
final class ShuffledRows<Row: DataRow> {
  /// A row, and the line it begins on.
  typealias Element = (row: Row, line: Int)

  let reader: RowReader<Row>
  private let capacity: Int
  private var generator: Generator
  private var buffer: [Element] = []
  private var isFilled = false

  /// A capacity of 1 keeps the order of the reader.
  init(_ reader: RowReader<Row>, capacity: Int, seed: UInt64) {
    (self.reader, self.capacity) = (reader, max(1, capacity))
    generator = Generator(seed: seed)
  }

  /// The next row; nil after the last.
  func next() throws(DataError) -> Element? {
    if capacity == 1 { return try read() }
    while !isFilled, buffer.count < capacity, let element = try read() { buffer.append(element) }
    isFilled = true
    if buffer.isEmpty { return nil }
    let place = Int.random(in: 0..<buffer.count, using: &generator)
    let chosen = buffer[place]
    if let element = try read() {
      buffer[place] = element
    } else {
      buffer[place] = buffer[buffer.count - 1]
      buffer.removeLast()
    }
    return chosen
  }

  private func read() throws(DataError) -> Element? {
    try reader.next().map { ($0, reader.line) }
  }
}
