import PEFT

/// The operations of GPT-2 124M and Llama 135M one by one, forward and back, at 512 tokens.
struct KernelsWorkload {
  private let options: BenchOptions
  private var generator = Generator(seed: 3)
  private var records: [BenchRecord] = []

  init(_ options: BenchOptions) { self.options = options }

  /// One record for each operation and direction.
  mutating func run() throws -> [BenchRecord] {
    let rows = try options.number("rows", default: 512)
    // Query with key and value, output, feed-forward of GPT-2; query, gate or up, down of Llama.
    for (inputs, outputs) in [
      (768, 2304), (768, 768), (768, 3072), (3072, 768), (768, 2048), (2048, 768),
    ] { products(rows: rows, inputs: inputs, outputs: outputs) }
    for length in [128, 256, 512, 1024] { attention(length: length, heads: 12, headWidth: 64) }
    norms(rows: rows, width: 768)
    crossEntropy(rows: rows, width: 768, classes: 50257)
    quantization(rows: 768, columns: 3072)
    return records
  }

  private mutating func random(_ shape: [Int], scale: Float = 1) -> Tensor {
    Tensor(normal: scale, shape: shape, using: &generator)
  }

  private mutating func products(rows: Int, inputs: Int, outputs: Int) {
    let weight = random([outputs, inputs], scale: 0.02)
    let (x, dy) = (Parameter(random([rows, inputs])), random([rows, outputs]))
    let operands: KeyValuePairs<String, WeightOperand> = [
      "float32": .tensor(weight, .outputInput), "bfloat16": .storage(BFloat16Weight(weight)),
      "nf4": .storage(FourBitWeight(weight)),
      "fp4": .storage(FourBitWeight(weight, code: .fp4)), "int8": .storage(Int8Weight(weight)),
    ]
    let work = 2e-9 * Double(rows) * Double(inputs) * Double(outputs)
    for (precision, operand) in operands {
      add("linear", "\(rows)x\(inputs)x\(outputs)", precision, gflop: (work, work), of: x, dy) {
        $0.linear(operand)
      }
    }
    let branch = LowRankBranch(
      a: random([8, inputs]), b: random([outputs, 8]), scale: 2)
    let whole = work + 16e-9 * Double(rows) * Double(inputs + outputs)
    add(
      "linear_rank_8", "\(rows)x\(inputs)x\(outputs)", "float32", gflop: (whole, whole), of: x, dy
    ) { $0.linear(weight: weight, branches: [branch]) }
  }

  private mutating func attention(length: Int, heads: Int, headWidth: Int) {
    let (batch, width) = (max(1, 1024 / length), heads * headWidth)
    let shape = [batch, length, width]
    let (q, k, v) = (
      Parameter(random(shape)), Parameter(random(shape)), Parameter(random(shape))
    )
    let spans = AttentionSpans(
      keys: Array(repeating: 0..<length, count: batch), queries: length, isCausal: true)
    let pairs = Double(batch * heads) * Double(length) * Double(length + 1) / 2
    let work = 4e-9 * pairs * Double(headWidth)
    add(
      "attention", "\(batch)x\(length)x\(heads)x\(headWidth)", "float32", gflop: (work, 2.5 * work),
      of: q, random(shape)
    ) {
      $0.attention(
        keys: k.tensor, values: v.tensor, headWidth: headWidth, spans: spans,
        scale: 1 / Float(headWidth).squareRoot())
    }
  }

  private mutating func norms(rows: Int, width: Int) {
    let weight = random([width])
    let (x, dy) = (Parameter(random([rows, width])), random([rows, width]))
    // Forward reads x and writes y; backward reads x and dy and writes dx.
    let bytes = 4e-9 * Double(rows * width)
    add("layer_norm", "\(rows)x\(width)", "float32", gigabytes: (2 * bytes, 3 * bytes), of: x, dy) {
      $0.layerNorm(weight: weight, bias: weight, epsilon: 1e-5)
    }
    add("rms_norm", "\(rows)x\(width)", "float32", gigabytes: (2 * bytes, 3 * bytes), of: x, dy) {
      $0.rmsNorm(weight: weight, epsilon: 1e-5)
    }
  }

  private mutating func crossEntropy(rows: Int, width: Int, classes: Int) {
    let labels = Indices(
      (0..<rows).map { Int32($0 * 97 % classes) }, shape: [rows])
    let logits = Parameter(random([rows, classes]))
    // The gradient is made in the forward pass: the logits are read and the gradient is written.
    add(
      "cross_entropy", "\(rows)x\(classes)", "float32", "forward_and_gradient",
      Timing { _ = logits.tensor.crossEntropy(labels) },
      ("gb_s", 8e-9 * Double(rows * classes)))
    let weight = random([classes, width], scale: 0.02)
    let x = Parameter(random([rows, width]))
    let work = 2e-9 * Double(rows) * Double(width) * Double(classes)
    for (precision, operand) in [
      ("float32", WeightOperand.tensor(weight, .outputInput)),
      ("bfloat16", .storage(BFloat16Weight(weight))),
    ] {
      let time = Timing { _ = x.tensor.linearCrossEntropy(weight: operand, labels) }
      add(
        "head_cross_entropy", "\(rows)x\(width)x\(classes)", precision, "forward_and_gradient",
        time, ("gflop_s", 2 * work))
    }
  }

  private mutating func quantization(rows: Int, columns: Int) {
    let source = random([rows, columns])
    let weight = FourBitWeight(source)
    let bytes = 1e-9 * Double(4 * source.count + weight.byteCount)
    let shape = "\(rows)x\(columns)"
    add("nf4", shape, "nf4", "quantize", Timing { _ = FourBitWeight(source) }, ("gb_s", bytes))
    add("nf4", shape, "nf4", "dequantize", Timing { _ = weight.dense() }, ("gb_s", bytes))
  }

  /// Times an operation on `x`, and its backward pass from the gradient `dy`.
  private mutating func add(
    _ kernel: String, _ shape: String, _ precision: String,
    gflop: (forward: Double, backward: Double)? = nil,
    gigabytes: (forward: Double, backward: Double)? = nil, of x: Parameter, _ dy: Tensor,
    _ body: (Tensor) -> Tensor
  ) {
    let value = x.value
    let forward = Timing { _ = body(value) }
    let backward = Timing(preparing: {
      x.gradient = nil
      return body(x.tensor)
    }) { $0.backward(gradient: dy) }
    guard let work = gflop ?? gigabytes else { return }
    let unit = gflop == nil ? "gb_s" : "gflop_s"
    add(kernel, shape, precision, "forward", forward, (unit, work.forward))
    add(kernel, shape, precision, "backward", backward, (unit, work.backward))
  }

  private mutating func add(
    _ kernel: String, _ shape: String, _ precision: String, _ direction: String, _ time: Timing,
    _ work: (unit: String, amount: Double)
  ) {
    var record = BenchRecord()
    record.add("kernel", kernel)
    record.add("shape", shape)
    record.add("precision", precision)
    record.add("direction", direction)
    record.add("median_s", time.median)
    record.add("min_s", time.least)
    record.add(work.unit, work.amount / time.median)
    records.append(record)
  }
}
