import Foundation

// Workloads whose figures can be set beside those of a peer: one JSON line each on standard output.
do {
  let options = try BenchOptions(Array(CommandLine.arguments.dropFirst()))
  var kernels = KernelsWorkload(options)
  if options.workload == "scaling" {
    print(try ScalingWorkload(options).run().joined(separator: "\n"))
    exit(0)
  }
  let records =
    switch options.workload {
    case "ranks": try RanksWorkload(options).run()
    case "step": [try StepWorkload(options).run()]
    case "generate": [try GenerateWorkload(options).run()]
    case "quantize": [try QuantizeWorkload(options).run()]
    case "methods": try MethodsWorkload(options).run()
    case "finetune":
      options.task == "sst2"
        ? [try SentimentWorkload(options).run()] : [try FinetuneWorkload(options).run()]
    case "kernels": try kernels.run()
    default: throw BenchError("unknown workload \(options.workload)\n\(BenchOptions.usage)")
    }
  for record in records { print(record.line) }
} catch {
  FileHandle.standardError.write(Data("peft-bench: \(error)\n".utf8))
  exit(error is BenchError ? 2 : 1)
}
