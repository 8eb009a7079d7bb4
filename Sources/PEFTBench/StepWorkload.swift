import PEFT

/// Training steps of GPT-2 124M or a 135M Llama on random weights and random tokens.
struct StepWorkload {
  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  static func configuration(
    _ architecture: String, layers: Int = 12
  ) throws -> TransformerConfiguration {
    switch architecture {
    case "gpt2":
      .gpt2(vocabularySize: 50257, width: 768, layers: layers, heads: 12)
    case "llama":
      .llama(
        vocabularySize: 32000, width: 768, feedForwardWidth: 2048, layers: layers, heads: 12,
        maximumPositions: 1024)
    default: throw BenchError("--arch \(architecture) is neither gpt2 nor llama")
    }
  }

  func run() throws -> BenchRecord {
    let (architecture, mode) = (
      try options.text("arch", default: "gpt2"), try options.text("mode", default: "lora")
    )
    let (batch, length) = (
      try options.number("batch", default: 4), try options.number("length", default: 128)
    )
    let layers = try options.number("layers", default: 12)
    let model = try CausalLM(
      Self.configuration(architecture, layers: layers),
      from: RandomParameters(seed: 0, isTrainable: mode == "full"),
      precision: options.precision(
        default: mode == "bf16" ? .bfloat16 : mode == "qlora" ? .nf4 : .float32))
    let rank = try options.number("rank", default: 8)
    switch mode {
    case "full": break
    case "lora", "bf16", "qlora": try model.attach(LoRA(rank: rank, alpha: Double(2 * rank)))
    case "lora-all":
      try model.attach(LoRA(rank: rank, alpha: Double(2 * rank), targets: .allLinear))
    case "dora", "pissa", "olora", "lora-fa":
      var method = LoRA(rank: rank, alpha: Double(2 * rank))
      method.usesWeightDecomposition = mode == "dora"
      method.freezesA = mode == "lora-fa"
      if mode == "pissa" { method.initialization = .fastPiSSA(iterations: 4) }
      if mode == "olora" { method.initialization = .olora }
      try model.attach(method)
    default:
      throw BenchError(
        "--mode \(mode) is none of lora, lora-all, dora, pissa, olora, lora-fa, bf16, qlora, full")
    }
    let trainable = model.parameters(.trainable)
    let optimizer = AdamW(trainable, learningRate: 1e-4)
    let place = try options.text("optimizer-state", default: "memory")
    guard ["memory", "mapped"].contains(place) else {
      throw BenchError("--optimizer-state \(place) is neither memory nor mapped")
    }
    if place == "mapped" { try optimizer.mapState(in: options.text("folder", default: ".")) }
    var generator = Generator(seed: 1)
    let vocabulary = UInt64(model.configuration.vocabularySize)
    let rows = (0..<batch).map { _ in
      (0..<length).map { _ in Int32(generator.next() % vocabulary) }
    }
    let tokens = TokenBatch(rows: rows)
    func step() {
      model.loss(tokens).backward()
      optimizer.step()
    }
    step()
    let times = try (0..<options.number("steps", default: 8)).map { _ in seconds(step) }.sorted()
    var record = BenchRecord()
    record.add("arch", architecture)
    record.add("mode", mode)
    record.add("optimizer_state", place)
    record.add("batch", batch)
    record.add("length", length)
    record.add("layers", layers)
    record.add("trainable", model.parameterCount(.trainable))
    record.add("median_s", times[times.count / 2])
    record.add("min_s", times[0])
    record.add("tokens_per_s", Double(batch * length) / times[times.count / 2])
    record.addPeakMemory()
    return record
  }
}
