import PEFT

/// What a step of each relative of LoRA costs beside plain LoRA of the same rank, on GPT-2 124M or a 135M Llama.
///
/// Both are trained in turn in one process, so that what else the machine does falls on both.
struct MethodsWorkload {
  private static let names = [
    "lora", "rslora", "lora+", "lora-fa", "dora", "pissa", "olora", "eva", "lora-ga", "adalora",
    "dylora", "delta-lora",
  ]

  private let architecture: String
  private let rounds: Int
  private let rank: Int
  private let targets: Targets
  private let targetsName: String
  private let names: [String]
  private let batch: TokenBatch

  init(_ options: BenchOptions) throws {
    architecture = try options.text("arch", default: "gpt2")
    rounds = try options.number("rounds", default: 5)
    rank = try options.number("rank", default: 8)
    targetsName = try options.text("targets", default: "attention")
    guard ["attention", "all-linear"].contains(targetsName) else {
      throw BenchError("--targets \(targetsName) is neither attention nor all-linear")
    }
    targets = targetsName == "attention" ? .attention : .allLinear
    names = try options.text("methods", default: Self.names.dropFirst().joined(separator: ","))
      .split(separator: ",").map(String.init)
    for name in names where !Self.names.contains(name) {
      throw BenchError("--methods \(name) is none of \(Self.names.joined(separator: ", "))")
    }
    let count = try (
      rows: options.number("batch", default: 4), length: options.number("length", default: 128)
    )
    let vocabulary = UInt64(try StepWorkload.configuration(architecture).vocabularySize)
    var generator = Generator(seed: 1)
    batch = TokenBatch(
      rows: (0..<count.rows).map { _ in
        (0..<count.length).map { _ in Int32(generator.next() % vocabulary) }
      })
  }

  /// One record for each method: its seconds, LoRA's, and the ratio of each pair of steps.
  func run() throws -> [BenchRecord] {
    let lora = try step("lora")
    return try names.map { name in
      let other = try step(name)
      other()
      lora()
      let pairs = (0..<rounds).map { round in
        // Neither is always the first.
        if round % 2 == 0 { return (lora: seconds(lora), other: seconds(other)) }
        let time = seconds(other)
        return (lora: seconds(lora), other: time)
      }
      let ratios = pairs.map { $0.other / $0.lora }.sorted()
      var record = BenchRecord()
      record.add("arch", architecture)
      record.add("method", name)
      record.add("targets", targetsName)
      record.add("rank", rank)
      record.add("lora_s", pairs.map(\.lora).sorted()[rounds / 2])
      record.add("median_s", pairs.map(\.other).sorted()[rounds / 2])
      record.add("ratio", ratios[rounds / 2])
      record.add("min_ratio", ratios[0])
      record.add("max_ratio", ratios[rounds - 1])
      return record
    }
  }

  /// A model with the adapter of a method, and a training step of it.
  private func step(_ name: String) throws -> () -> Void {
    let model = try CausalLM(
      StepWorkload.configuration(architecture),
      from: RandomParameters(seed: 0, isTrainable: false))
    try attach(name, to: model)
    let parameters = model.parameters(.trainable)
    let optimizer =
      name == "lora+"
      ? AdamW(ParameterGroup.loRAPlus(parameters, learningRate: 1e-4), learningRate: 1e-4)
      : AdamW(parameters, learningRate: 1e-4)
    return { [batch] in
      model.loss(batch).backward()
      optimizer.step()
    }
  }

  private func attach(_ name: String, to model: CausalLM) throws {
    var method = LoRA(rank: rank, alpha: Double(2 * rank), targets: targets)
    switch name {
    case "rslora": method.isRankStabilized = true
    case "lora-fa": method.freezesA = true
    case "dora": method.usesWeightDecomposition = true
    case "pissa": method.initialization = .fastPiSSA(iterations: 4)
    case "olora": method.initialization = .olora
    case "eva":
      try model.attach(method, EVA(passes: 1), batches: [batch])
      return
    case "lora-ga":
      try model.attach(method, LoRAGA(), batches: [batch])
      return
    case "adalora":
      try model.attach(
        AdaLoRA(initialRank: rank, targetRank: rank, totalSteps: 10_000, targets: targets))
      return
    case "dylora":
      try model.attach(DyLoRA(rank: rank, targets: targets))
      return
    case "delta-lora":
      try model.attach(DeltaLoRA(rank: rank, delay: -1, targets: targets))
      return
    default: break
    }
    try model.attach(method)
  }
}
