import PEFT

/// NF4 with double quantisation of a random float32 matrix: to four bits and back.
struct QuantizeWorkload {
  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  func run() throws -> BenchRecord {
    let (rows, columns) = (
      try options.number("rows", default: 4096), try options.number("columns", default: 4096)
    )
    var generator = Generator(seed: 0)
    let source = Tensor(normal: 1, shape: [rows, columns], using: &generator)
    let weight = NF4Weight(source)
    let quantize = Timing { _ = NF4Weight(source) }
    let dequantize = Timing { _ = weight.dense() }
    let millions = Double(source.count) / 1e6
    var record = BenchRecord()
    record.add("rows", rows)
    record.add("columns", columns)
    record.add("median_s", quantize.median + dequantize.median)
    record.add("quantize_mparam_s", millions / quantize.median)
    record.add("dequantize_mparam_s", millions / dequantize.median)
    record.addPeakMemory()
    return record
  }
}
