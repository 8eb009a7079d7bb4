import PEFT

/// A log of a training that never was, with everything in it that a report shows.
enum SampleRun {
  /// A text that would break a page in which it stood as it is.
  static let hostile = "</p><script>alert(\"1\")</script> & ]]> \u{1} \u{1F600} 'x'"

  /// A log of forty steps with everything in it.
  static func write(to path: String) throws -> [LogEntry] {
    var entries = [
      LogEntry(
        "settings", step: 0, time: 1_700_000_000,
        numbers: [
          .init("trainable", 1000), .init("parameters", 100_000), .init("float32_gflops", 150),
          .init("bfloat16_gflops", 300),
        ], texts: ["method": hostile, "data": "rows.jsonl"]),
      LogEntry(
        "ranks", step: 0,
        numbers: (0..<12).flatMap { layer in
          ["q_proj", "v_proj"].map { .init("model.layers.\(layer).self_attn.\($0)", Double(layer)) }
        }),
      LogEntry("sample", step: 0, texts: ["prompt": hostile, "text": "before"]),
    ]
    for number in 1...40 {
      let loss = number == 7 ? Double.nan : 3 / Double(number) + 0.001 * Double(number * 7 % 5)
      entries.append(
        LogEntry(
          .step(
            .init(
              progress: TrainingProgress(step: number, total: 40), epoch: 1, loss: loss, tokens: 64,
              tokensPerSecond: 1000 + Double(number), learningRate: 1e-3 / Double(number),
              gradientNorm: 0.5, secondsLeft: 3, dataSeconds: 0.05,
              times: StepTimes(forward: 0.1, backward: 0.2, optimizer: 0.05, operations: 1 << 30))),
          memory: ProcessMemory(resident: 100_000_000, peak: 2, pool: 50_000_000, poolPeak: 9),
          time: 1_700_000_000 + Double(number)))
      if number % 10 == 0 {
        entries.append(
          LogEntry(
            .evaluation(.init(step: number, loss: 4 / Double(number), labels: 9, isBest: true))))
      }
    }
    entries += [
      LogEntry(.change(.init(step: 9, name: "learning_rate", old: 0.5, new: nil))),
      LogEntry(
        .anomaly(
          .init(
            step: 7, kind: .nonFiniteLoss, loss: .nan, gradientNorm: .nan, reaction: .skip,
            file: "run/<anomaly>.json"))),
      LogEntry("sample", step: 40, texts: ["prompt": hostile, "text": hostile]),
      LogEntry(
        "singular_values", step: 40, numbers: [.init("1", 2), .init("2", 0.5)],
        texts: ["module": "model.layers.0.self_attn.q_proj"]),
      LogEntry("result", step: 40, numbers: [.init("before", 3.5), .init("after", 0.1)]),
    ]
    let log = try JSONLinesLog(path + "/log.jsonl")
    for entry in entries { try log.write(entry) }
    return entries
  }
}
