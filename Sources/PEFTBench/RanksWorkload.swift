import PEFT

#if MPI
  import PEFTDistributed
#endif

/// Training steps of GPT-2 124M on random weights and tokens, with LoRA or of all weights, by the processes that `mpirun` started.
struct RanksWorkload {
  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  /// The figures of rank 0; nothing in the others.
  func run() throws -> [BenchRecord] {
    #if MPI
      let ranks = try MPICommunicator()
      defer { try? ranks.finish() }
    #else
      let ranks = SingleProcess()
    #endif
    let mode = try options.text("mode", default: "lora")
    guard ["lora", "full"].contains(mode) else {
      throw BenchError("--mode \(mode) is neither lora nor full")
    }
    let (batch, length) = (
      try options.number("batch", default: 8), try options.number("length", default: 128)
    )
    let model = try CausalLM(
      StepWorkload.configuration("gpt2", layers: options.number("layers", default: 12)),
      from: RandomParameters(seed: 0, isTrainable: mode == "full"),
      precision: options.precision())
    let adapter = mode == "lora" ? try model.attach(LoRA(rank: 8, alpha: 16)) : nil
    let steps = try options.number("steps", default: 6, least: 2)
    let trainer = Trainer(
      model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-4),
      settings: TrainerSettings(duration: .steps(steps), maximumGradientNorm: 1))
    trainer.communicator = ranks
    var generator = Generator(seed: 1)
    let vocabulary = UInt64(model.configuration.vocabularySize)
    let batches = (0..<2).map { _ in
      TokenBatch(
        rows: (0..<batch).map { _ in
          (0..<length).map { _ in Int32(generator.next() % vocabulary) }
        })
    }
    var times: [Double] = []
    try trainer.run(batches) { event in
      if case .step(let step) = event { times.append(Double(step.tokens) / step.tokensPerSecond) }
      return true
    }
    // The first step finds memory and, among ranks, the order of gradients.
    times = times.dropFirst().sorted()
    let bytes = 4 * model.parameterCount(.trainable)
    let messages = try Messages(ranks, bytes: bytes)
    guard ranks.rank == 0 else { return [] }
    if let adapter, let folder = try? options.text("save") { try adapter.save(to: folder) }
    var record = BenchRecord()
    record.add("mode", mode)
    record.add("ranks", ranks.count)
    record.add("batch", batch)
    record.add("length", length)
    record.add("median_s", times[times.count / 2])
    record.add("min_s", times[0])
    record.add("tokens_per_s", Double(batch * length) / times[times.count / 2])
    record.add("bytes_per_step", bytes)
    record.add("small_sum_us", messages.latency * 1e6)
    record.add("gradient_sum_ms", messages.whole * 1e3)
    record.addPeakMemory()
    return [record]
  }

  /// How long sums over the ranks take while nothing else is done.
  private struct Messages {
    let latency: Double
    let whole: Double

    init(_ ranks: some Communicator, bytes: Int) throws {
      func median(_ body: () throws -> Void) throws -> Double {
        let times = try (0..<9).map { _ in
          try ranks.barrier()
          return try seconds(body)
        }
        return times.sorted()[4]
      }
      latency = try median { _ = try ranks.reduce([1], .sum) }
      let memory = UnsafeMutableBufferPointer<Float>.allocate(capacity: max(1, bytes / 4))
      memory.initialize(repeating: 0)
      defer { memory.deallocate() }
      whole = try median { try ranks.startSum(memory).wait() }
    }
  }
}
