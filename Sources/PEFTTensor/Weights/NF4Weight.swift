/// A frozen weight in four-bit NormalFloat numbers ("QLoRA", arXiv 2305.14314), as bitsandbytes has it.
///
/// Blocks of 64 consecutive elements of the row-major matrix share a scale, their largest magnitude;
/// an element is the nearest of sixteen numbers times that scale. With double quantisation scales are
/// eight-bit numbers themselves: 4.13 bits an element instead of 4.5.
///
/// Products bring a panel of 32 rows of W at a time into bfloat16, and round what they multiply it
/// with likewise; up to four rows are multiplied by the numbers of the code, scaled afterwards. Sums
/// are float32 always.
public struct NF4Weight: WeightStorage {
  /// The number of rows of W.
  public let outputs: Int
  /// The number of columns of W.
  public let inputs: Int
  let codes: Storage
  let scales: Scales

  /// What blocks of 64 elements are multiplied by.
  enum Scales: Sendable {
    /// One float32 a block.
    case plain(Storage)
    /// One code a block, with one float32 for each 256 of them; `offset` is added to every scale.
    case quantized(codes: Storage, scales: Storage, map: Storage, offset: Float)
  }

  /// Elements that share a scale.
  package static let blockSize = 64
  /// Scales that share a scale.
  package static let nestedBlockSize = 256

  /// Quantises a weight.
  ///
  /// - Parameters:
  ///   - weight: W `[outputs, inputs]`.
  ///   - isDoubleQuantized: whether the scales are quantised too.
  public init(_ weight: Tensor, isDoubleQuantized: Bool = true) {
    let source = weight.contiguous
    (outputs, inputs) = (source.rows, source.columns)
    let blocks = Self.blockCount(source.count)
    let bytes = Storage(byteCount: (source.count + 1) / 2)
    let plain = Storage(byteCount: 4 * blocks)
    Kernels.quantizeNF4(source, bytes: bytes, scales: plain)
    codes = Kernels.packNF4(bytes, outputs: outputs, inputs: inputs)
    scales = isDoubleQuantized ? Self.quantized(plain, count: blocks) : .plain(plain)
  }

  init(outputs: Int, inputs: Int, codes: Storage, scales: Scales) {
    (self.outputs, self.inputs, self.codes, self.scales) = (outputs, inputs, codes, scales)
  }

  /// Whether scales are quantised too.
  public var isDoubleQuantized: Bool {
    if case .quantized = scales { true } else { false }
  }

  /// The memory of codes and scales, in bytes.
  public var byteCount: Int {
    let blocks = Self.blockCount(outputs * inputs)
    let packed = Kernels.nf4ByteCount(outputs: outputs, inputs: inputs)
    switch scales {
    case .plain: return packed + 4 * blocks
    case .quantized: return packed + blocks + 4 * Self.nestedBlockCount(blocks)
    }
  }

  /// W in float32, `[outputs, inputs]`: every element is a number of the code times its scale.
  public func dense() -> Tensor {
    let result = Tensor(uninitialized: [outputs, inputs])
    Kernels.unpack(packed, to: result)
    return result
  }

  /// Sets y = x W^T + beta * y.
  public func multiply(_ x: Tensor, to y: Tensor, beta: Float) {
    checkShapes("NF4Weight.multiply", x: x, y: y)
    Kernels.multiply(x, packed, to: y, beta: beta)
  }

  /// Sets dx = dy W + beta * dx.
  public func multiplyTransposed(_ dy: Tensor, to dx: Tensor, beta: Float) {
    checkShapes("NF4Weight.multiplyTransposed", x: dx, y: dy)
    Kernels.multiplyTransposed(dy, packed, to: dx, beta: beta)
  }

  static func blockCount(_ elements: Int) -> Int { (elements + blockSize - 1) / blockSize }

  static func nestedBlockCount(_ blocks: Int) -> Int {
    (blocks + nestedBlockSize - 1) / nestedBlockSize
  }

  var packed: Kernels.NF4Panels {
    Kernels.NF4Panels(codes: codes, scales: scales, outputs: outputs, inputs: inputs)
  }

  /// Scales less their mean, in eight bits.
  private static func quantized(_ scales: Storage, count: Int) -> Scales {
    let values = Tensor(storage: scales, offset: 0, shape: [count])
    let mean = values.array.reduce(0.0) { $0 + Double($1) } / Double(max(1, count))
    let offset = Float(mean)
    let centered = Tensor(repeating: -offset, shape: [count])
    Kernels.add(values, into: centered)
    let codes = Storage(byteCount: count)
    let nested = Storage(byteCount: 4 * nestedBlockCount(count))
    Kernels.quantizeBlockwise(centered, map: .signed, codes: codes, scales: nested)
    return .quantized(
      codes: codes, scales: nested, map: DynamicMap.signed.storage, offset: offset)
  }
}
