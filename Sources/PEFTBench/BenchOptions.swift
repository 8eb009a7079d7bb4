import PEFT

/// A wrong call of the program.
struct BenchError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// What a run is asked to do: a workload and `--name value` pairs.
struct BenchOptions {
  private static let precisions = Precision.allCases.map(\.rawValue).joined(separator: "|")
  private static let caches = KeyValueCache.Storage.allCases.map(\.rawValue).joined(separator: "|")
  static let usage = """
    usage: peft-bench WORKLOAD [--option value ...]
      step      --arch gpt2|llama --mode lora|lora-all|dora|pissa|olora|lora-fa|bf16|qlora|full --batch 4 --length 128 --steps 8 --rank 8
                --layers 12 --precision \(Self.precisions) --optimizer-state memory|mapped --folder .
      methods   --arch gpt2|llama --methods rslora,dora,... --targets attention|all-linear --batch 4 --length 128 --rounds 5 --rank 8
                (one line for each relative of LoRA, whose steps are timed in turn with plain LoRA's)
      ranks     --mode lora|full --batch 8 --length 128 --steps 6 --layers 12 --precision \(Self.precisions) --save FOLDER
                (under mpirun, built with --traits MPI; the batch is that of all ranks together)
      scaling   --compute-ms 1000 --rank-tokens 512 --bytes 1179648 --full-bytes 497759232 --full-compute-ms 1000 --latency-us 50 --megabit 1000
                (a table of modelled steps of 1 to 1,024 ranks)
      generate  --prompt 32 --new 64 --precision \(Self.precisions) --cache \(Self.caches)
      quantize  --rows 4096 --columns 4096 --precision nf4|fp4|int8
      kernels   --rows 512      (one line for each operation, shape and direction)
      finetune e2e --model FOLDER --data FILE --steps 300 --precision \(Self.precisions) --feed memory|stream
                (rows "meaning||text"; see the README)
      finetune sst2 --model FOLDER --data FOLDER --epochs 1 --seed 0 --save FOLDER --feed memory|stream
                (train.tsv and dev.tsv with rows "sentence<TAB>label")
      --feed stream reads and tokenises on another thread while the training runs; data_wait_s is how long it waited for batches
    """

  let workload: String
  /// What is fine-tuned on.
  let task: String
  private let values: [String: String]

  init(_ arguments: [String]) throws {
    guard let workload = arguments.first, !workload.hasPrefix("-") else {
      throw BenchError(Self.usage)
    }
    self.workload = workload
    var values: [String: String] = [:]
    var rest = arguments.dropFirst()
    let isNamed = workload == "finetune" && ["e2e", "sst2"].contains(rest.first)
    task = isNamed ? rest.removeFirst() : "e2e"
    while let name = rest.popFirst() {
      guard name.hasPrefix("--"), let value = rest.popFirst() else {
        throw BenchError("\(name) needs a value\n\(Self.usage)")
      }
      values[String(name.dropFirst(2))] = value
    }
    self.values = values
  }

  func text(_ name: String, default value: String? = nil) throws -> String {
    guard let text = values[name] ?? value else { throw BenchError("--\(name) is missing") }
    return text
  }

  func precision(default value: Precision = .float32) throws -> Precision {
    let name = try text("precision", default: value.rawValue)
    guard let precision = Precision(rawValue: name) else {
      throw BenchError("--precision \(name) is none of \(Self.precisions)")
    }
    return precision
  }

  func cache() throws -> KeyValueCache.Storage {
    let name = try text("cache", default: KeyValueCache.Storage.float32.rawValue)
    guard let cache = KeyValueCache.Storage(rawValue: name) else {
      throw BenchError("--cache \(name) is none of \(Self.caches)")
    }
    return cache
  }

  func number(_ name: String, default value: Int, least: Int = 1) throws -> Int {
    guard let text = values[name] else { return value }
    guard let number = Int(text), number >= least else {
      throw BenchError("--\(name) \(text) is not a number from \(least) on")
    }
    return number
  }
}
