import PEFT

/// Greedy decoding of GPT-2 124M with a cache, after a prompt.
struct GenerateWorkload {
  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  func run() throws -> BenchRecord {
    let count = try options.number("new", default: 64)
    let precision = try options.precision()
    let model = try CausalLM(
      StepWorkload.configuration("gpt2"), from: RandomParameters(seed: 0, isTrainable: false),
      precision: precision)
    let length = try options.number("prompt", default: 32)
    let cache = try options.cache()
    let prompt = (0..<length).map { Int32($0 * 1543 % 50000) }
    _ = try model.generate([prompt], GenerationLimits(newTokens: 4), cache: cache)
    var statistics = GenerationStatistics()
    let time = try seconds {
      _ = try model.generate(
        [prompt], GenerationLimits(newTokens: count), cache: cache, onEnd: { statistics = $0 })
    }
    var record = BenchRecord()
    record.add("precision", precision.rawValue)
    record.add("cache", cache.rawValue)
    record.add("prompt", length)
    record.add("new", count)
    record.add("median_s", time)
    record.add("tokens_per_s", Double(count) / time)
    record.add("later_tokens_per_s", statistics.tokensPerSecond ?? 0)
    record.add("cache_mb", Double(statistics.cacheByteCount) / 1_048_576)
    record.addPeakMemory()
    return record
  }
}
