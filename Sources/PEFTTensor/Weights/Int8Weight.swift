/// A frozen weight in signed bytes: each is a number of blocks or rows that share a scale, their largest magnitude.
///
/// An element is its byte times the scale / 127. Blocks of 64 consecutive elements of the row-major matrix keep it nearer; whole rows
/// are the layout of bitsandbytes' `load_in_8bit` (LLM.int8(), arXiv 2208.07339).
///
/// Products bring a panel of 32 rows of W at a time into bfloat16, and round what they multiply it
/// with likewise, whatever its size: no feature is treated apart; up to four rows are multiplied by the bytes, scaled afterwards,
/// where inputs are a multiple of 8, and nothing is rounded. Sums are float32.
public struct Int8Weight: PanelWeight {
  /// The elements that share a scale.
  public enum Blocks: Sendable, Hashable {
    /// So many consecutive ones, a power of two of at least 64.
    case elements(Int)
    /// Those of a row.
    case rows
  }

  /// The number of rows of W.
  public let outputs: Int
  /// The number of columns of W.
  public let inputs: Int
  /// The elements that share a scale.
  public let blocks: Blocks
  private let codes: Storage
  private let scaleStorage: Storage

  /// Quantises a weight.
  ///
  /// - Parameters:
  ///   - weight: W `[outputs, inputs]`.
  ///   - blocks: the elements that share a scale.
  public init(_ weight: Tensor, blocks: Blocks = .elements(64)) {
    if case .elements(let count) = blocks {
      precondition(
        count >= 64 && count.nonzeroBitCount == 1, "Int8Weight: blocks of \(count) elements")
    }
    let source = weight.contiguous
    (outputs, inputs, self.blocks) = (source.rows, source.columns, blocks)
    let bytes = Storage(byteCount: source.count)
    scaleStorage = Storage(byteCount: 4 * Self.scaleCount(blocks, outputs, inputs))
    Kernels.quantizeInt8(
      source, block: Self.size(blocks) ?? inputs, bytes: bytes, scales: scaleStorage)
    codes = Kernels.packInt8(bytes, outputs: outputs, inputs: inputs)
  }

  /// Lays out a weight from its bytes in row-major order and the scale of each row.
  package init(bytes: [Int8], rowScales: [Float]) {
    precondition(
      rowScales.isEmpty ? bytes.isEmpty : bytes.count % rowScales.count == 0,
      "Int8Weight: \(bytes.count) bytes for \(rowScales.count) rows")
    (outputs, inputs) = (rowScales.count, bytes.count / max(1, rowScales.count))
    blocks = .rows
    scaleStorage = Kernels.storage(of: rowScales)
    codes = Kernels.packInt8(Kernels.storage(of: bytes), outputs: outputs, inputs: inputs)
  }

  /// The memory of bytes and scales, in bytes.
  public var byteCount: Int {
    Kernels.int8ByteCount(outputs: outputs, inputs: inputs)
      + 4 * Self.scaleCount(blocks, outputs, inputs)
  }

  /// The bytes in row-major order.
  package var bytes: [Int8] { Kernels.bytesInt8(codes, outputs: outputs, inputs: inputs) }

  /// One scale a block or row.
  package var scales: [Float] {
    Tensor(
      storage: scaleStorage, offset: 0, shape: [Self.scaleCount(blocks, outputs, inputs)]
    ).array
  }

  var panels: Kernels.CodedPanels {
    Kernels.CodedPanels(
      codes: codes, scales: scaleStorage, block: Self.size(blocks), outputs: outputs,
      inputs: inputs)
  }

  private static func size(_ blocks: Blocks) -> Int? {
    if case .elements(let count) = blocks { count } else { nil }
  }

  private static func scaleCount(_ blocks: Blocks, _ outputs: Int, _ inputs: Int) -> Int {
    size(blocks).map { (outputs * inputs + $0 - 1) / $0 } ?? outputs
  }
}
