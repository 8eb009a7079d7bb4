import Foundation
import PEFT
import XCTest

/// What the precision of the frozen base costs in quality: LoRA of a 260K Llama on E2E, the same batches on each base.
///
/// Needs `shared/data` beside the package or `$PEFT_SHARED`:
/// `RUN_BENCHMARKS=1 swift test -c release --filter LossCurveBenchmarks`
final class LossCurveBenchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  private static let (steps, batchSize) = (300, 16)

  func testNoPrecisionEndsWorse() throws {
    let root =
      ProcessInfo.processInfo.environment["PEFT_SHARED"].map { URL(fileURLWithPath: $0) }
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("shared")
    let folder = root.appendingPathComponent("data/stories260K-hf").path
    let file = root.appendingPathComponent("data/e2e/valid.txt")
    guard let text = try? String(contentsOf: file, encoding: .utf8) else {
      throw XCTSkip("needs the shared data, which is not beside this package")
    }
    let (training, held) = try examples(text, Tokenizer(folder: folder))
    var ends: [Precision: Double] = [:]
    for precision in Precision.allCases {
      let model = try CausalLM(directory: folder, precision: precision)
      try model.attach(LoRA(rank: 8, alpha: 16, targets: .allLinear))
      ends[precision] = train(model, training, held, label: precision.rawValue)
    }
    let exact = try XCTUnwrap(ends[.float32])
    for (precision, end) in ends {
      XCTAssertLessThan(end, exact + 0.03, "\(precision.rawValue): nats above float32")
    }
  }

  /// Trains with a linear decay, printing one JSON line each 100 steps; the loss on the held rows at the end.
  private func train(
    _ model: CausalLM, _ training: [TrainingExample], _ held: [TrainingExample], label: String
  ) -> Double {
    let optimizer = AdamW(model.parameters(.trainable), learningRate: 2e-3)
    let batches = TokenBatches(training, batchSize: Self.batchSize, dropsLast: true).epoch(0)
    var loss = evaluate(model, held)
    print("{\"row\": \"loss curve\", \"candidate\": \"\(label)\", \"step\": 0, \"loss\": \(loss)}")
    for step in 0..<Self.steps {
      optimizer.learningRate = 2e-3 * (1 - Double(step) / Double(Self.steps))
      model.loss(batches[step % batches.count]).backward()
      optimizer.step()
      guard (step + 1) % 100 == 0 else { continue }
      loss = evaluate(model, held)
      print(
        "{\"row\": \"loss curve\", \"candidate\": \"\(label)\", \"step\": \(step + 1), \"loss\": \(loss)}"
      )
    }
    return loss
  }

  private func evaluate(_ model: CausalLM, _ held: [TrainingExample]) -> Double {
    let parts = TokenBatches(held, batchSize: 32).epoch(0).map { model.evaluate($0) }
    return parts.reduce(0) { $0 + $1.sum } / Double(parts.reduce(0) { $0 + $1.count })
  }

  /// Rows "meaning||text"; those of the last sixty meanings are held out.
  private func examples(
    _ text: String, _ tokenizer: Tokenizer
  ) -> (training: [TrainingExample], held: [TrainingExample]) {
    let lines = text.split(separator: "\n").map { $0.components(separatedBy: "||") }
      .filter { $0.count > 1 }
    var seen: Set<String> = []
    let heldOut = Set(lines.map { $0[0] }.filter { seen.insert($0).inserted }.suffix(60))
    var (training, held): ([TrainingExample], [TrainingExample]) = ([], [])
    for line in lines {
      let words = line.map { $0.trimmingCharacters(in: .whitespaces) }
      let prompt = [1] + tokenizer.encode("\(words[0]) =>", addSpecialTokens: false)
      let answer = tokenizer.encode(" \(words[1])", addSpecialTokens: false) + [2]
      let example = TrainingExample(
        ids: prompt + answer,
        labels: Array(repeating: TokenBatch.ignored, count: prompt.count) + answer)
      if heldOut.contains(line[0]) { held.append(example) } else { training.append(example) }
    }
    return (training, held)
  }
}
