import PEFT

/// A random float32 matrix to four bits, with double quantisation, or to eight, and back.
struct QuantizeWorkload {
  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  func run() throws -> BenchRecord {
    let (rows, columns) = (
      try options.number("rows", default: 4096), try options.number("columns", default: 4096)
    )
    var generator = Generator(seed: 0)
    let source = Tensor(normal: 1, shape: [rows, columns], using: &generator)
    let precision = try options.precision(default: .nf4)
    let make = try Self.maker(precision)
    let weight = make(source)
    let quantize = Timing { _ = make(source) }
    let dequantize = Timing { _ = weight.dense() }
    let millions = Double(source.count) / 1e6
    var record = BenchRecord()
    record.add("precision", precision.rawValue)
    record.add("rows", rows)
    record.add("columns", columns)
    record.add("median_s", quantize.median + dequantize.median)
    record.add("quantize_mparam_s", millions / quantize.median)
    record.add("dequantize_mparam_s", millions / dequantize.median)
    record.addPeakMemory()
    return record
  }

  private static func maker(_ precision: Precision) throws -> (Tensor) -> any WeightStorage {
    switch precision {
    case .nf4: { FourBitWeight($0) }
    case .fp4: { FourBitWeight($0, code: .fp4) }
    case .int8: { Int8Weight($0) }
    case .float32, .bfloat16: throw BenchError("--precision \(precision.rawValue): not quantised")
    }
  }
}
