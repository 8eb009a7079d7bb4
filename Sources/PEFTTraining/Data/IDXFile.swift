/// A file of bytes in the layout of MNIST: an array of any number of dimensions, row-major.
///
/// Rows are read when they are asked for. Files that are compressed have to be unpacked first.
public struct IDXFile: Sendable, Hashable {
  /// The path of the file.
  public let path: String
  /// The sizes, the number of rows first.
  public let shape: [Int]
  private var headerSize: Int { 4 + 4 * shape.count }

  /// Reads the head of a file.
  ///
  /// - Parameter path: the path of the file.
  /// - Throws: `DataError` where it cannot be read, is no IDX file of bytes, or is not as long as its head says.
  public init(path: String) throws(DataError) {
    self.path = path
    let chunks = try FileChunks(path: path)
    func fault(_ expected: String, _ found: String) -> DataError {
      .invalidFile(path: path, line: 1, expected: expected, found: found)
    }
    let head = Array(try chunks.next().prefix(4))
    guard head.count == 4 else { throw fault("an IDX file", "\(head.count) bytes") }
    if head[0] == 0x1F, head[1] == 0x8B {
      throw fault("an IDX file", "a gzip file; unpack it with gunzip first")
    }
    guard head[0] == 0, head[1] == 0 else {
      throw fault("two zero bytes at the start of an IDX file", "\(head[0]) and \(head[1])")
    }
    guard head[2] == 8 else {
      throw fault("elements that are unsigned bytes (type 8)", "type \(head[2])")
    }
    guard (1...4).contains(head[3]) else { throw fault("1 to 4 dimensions", "\(head[3])") }
    let bytes = try chunks.bytes(at: 4, count: 4 * Int(head[3]))
    let shape = stride(from: 0, to: bytes.count, by: 4).map { place in
      bytes[place..<place + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    let found = try chunks.size()
    // Sizes beside a 0 may be anything, and must not overflow either.
    let bound = shape.reduce(Int?.some(1)) { product, extent in
      product.flatMap {
        let (value, isTooLarge) = $0.multipliedReportingOverflow(by: max(extent, 1))
        return isTooLarge ? nil : value
      }
    }
    guard bound != nil, found - 4 - bytes.count == shape.reduce(1, *) else {
      throw fault("as many bytes as \(shape) elements have", "a file of \(found) bytes")
    }
    self.shape = shape
  }

  /// How many rows there are.
  public var count: Int { shape[0] }
  /// How many bytes a row has.
  public var rowSize: Int { shape.dropFirst().reduce(1, *) }

  /// Some rows, one after another.
  ///
  /// - Parameter range: the numbers of the rows.
  /// - Returns: their bytes.
  /// - Throws: `DataError.unreadable` where the file was changed since.
  public func rows(_ range: Range<Int>) throws(DataError) -> [UInt8] {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count,
      "IDXFile.rows: \(range) of \(count) rows")
    return try FileChunks(path: path).bytes(
      at: headerSize + range.lowerBound * rowSize, count: range.count * rowSize)
  }
}
