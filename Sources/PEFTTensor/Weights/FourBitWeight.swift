/// A frozen weight in four bits, as bitsandbytes has it: NormalFloat ("QLoRA", arXiv 2305.14314) or a float of four bits.
///
/// Blocks of 64 consecutive elements of the row-major matrix share a scale, their largest magnitude;
/// an element is the nearest of sixteen numbers times that scale. With double quantisation scales are
/// eight-bit numbers themselves: 4.13 bits an element instead of 4.5.
///
/// Products bring a panel of 32 rows of W at a time into bfloat16, and round what they multiply it
/// with likewise; up to four rows are multiplied by the numbers of the code, scaled afterwards. Sums
/// are float32 always.
public struct FourBitWeight: PanelWeight {
  /// The number of rows of W.
  public let outputs: Int
  /// The number of columns of W.
  public let inputs: Int
  /// What codes stand for.
  public let code: FourBitCode
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
  ///   - code: the sixteen numbers.
  ///   - isDoubleQuantized: whether the scales are quantised too.
  public init(_ weight: Tensor, code: FourBitCode = .nf4, isDoubleQuantized: Bool = true) {
    let source = weight.contiguous
    (outputs, inputs, self.code) = (source.rows, source.columns, code)
    let blocks = Self.blockCount(source.count)
    let bytes = Storage(byteCount: (source.count + 1) / 2)
    let plain = Storage(byteCount: 4 * blocks)
    Kernels.quantizeFourBit(source, code, bytes: bytes, scales: plain)
    codes = Kernels.packFourBit(bytes, outputs: outputs, inputs: inputs)
    scales = isDoubleQuantized ? Self.quantized(plain, count: blocks) : .plain(plain)
  }

  /// Whether scales are quantised too.
  public var isDoubleQuantized: Bool {
    if case .quantized = scales { true } else { false }
  }

  /// The memory of codes and scales, in bytes.
  public var byteCount: Int {
    let blocks = Self.blockCount(outputs * inputs)
    let packed = Kernels.fourBitByteCount(outputs: outputs, inputs: inputs)
    switch scales {
    case .plain: return packed + 4 * blocks
    case .quantized: return packed + blocks + 4 * Self.nestedBlockCount(blocks)
    }
  }

  static func blockCount(_ elements: Int) -> Int { (elements + blockSize - 1) / blockSize }

  static func nestedBlockCount(_ blocks: Int) -> Int {
    (blocks + nestedBlockSize - 1) / nestedBlockSize
  }

  var panels: Kernels.CodedPanels {
    Kernels.CodedPanels(
      codes: codes, code: code, scales: scales, outputs: outputs, inputs: inputs)
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
