import PEFT

/// Greedy decoding of GPT-2 124M with a cache, after a prompt of 32 tokens.
struct GenerateWorkload {
  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  func run() throws -> BenchRecord {
    let count = try options.number("new", default: 64)
    let precision = try options.precision()
    let model = try CausalLM(
      StepWorkload.configuration("gpt2"), from: RandomParameters(seed: 0, isTrainable: false),
      precision: precision)
    let prompt = (0..<32).map { Int32($0 * 1543 % 50000) }
    _ = try model.generate([prompt], GenerationLimits(newTokens: 4))
    let time = try seconds { _ = try model.generate([prompt], GenerationLimits(newTokens: count)) }
    var record = BenchRecord()
    record.add("precision", precision.rawValue)
    record.add("new", count)
    record.add("median_s", time)
    record.add("tokens_per_s", Double(count) / time)
    record.addPeakMemory()
    return record
  }
}
