import Foundation
import PEFT

/// LoRA of a real model on rows `meaning||text`: the rows of the last sixty meanings are held out, the others come in batches of
/// sixteen in the order of the file, padded to the longest row; rank 8, alpha 16, every linear layer; AdamW 2e-3, linear decay.
struct FinetuneWorkload {
  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  func run() throws -> BenchRecord {
    let folder = try options.text("model")
    let precision = try options.precision()
    let model = try CausalLM(directory: folder, precision: precision)
    let rows = try Rows(file: options.text("data"), Tokenizer(folder: folder))
    try model.attach(LoRA(rank: 8, alpha: 16, targets: .allLinear))
    let before = Self.quality(model, rows.held)
    let optimizer = AdamW(model.parameters(.trainable), learningRate: 2e-3)
    let steps = try options.number("steps", default: 300)
    let batches = rows.training.count / 16
    var tokens = 0
    let time = seconds {
      for step in 0..<steps {
        optimizer.learningRate = 2e-3 * (1 - Double(step) / Double(steps))
        let first = step % batches * 16
        let batch = Self.batch(rows.training[first..<first + 16])
        model.loss(batch).backward()
        optimizer.step()
        tokens += batch.tokenCount
      }
    }
    var record = BenchRecord()
    record.add("task", "e2e")
    record.add("precision", precision.rawValue)
    record.add("steps", steps)
    record.add("before", before)
    record.add("after", Self.quality(model, rows.held))
    record.add("train_s", time)
    record.add("tokens_per_s", Double(tokens) / time)
    record.add("trainable", model.parameterCount(.trainable))
    record.addPeakMemory()
    return record
  }

  private static func batch(_ examples: ArraySlice<TrainingExample>) -> TokenBatch {
    TokenBatch(rows: examples.map(\.ids), labels: examples.map(\.labels))
  }

  private static func quality(_ model: CausalLM, _ examples: [TrainingExample]) -> Double {
    var (sum, count) = (0.0, 0)
    for first in stride(from: 0, to: examples.count, by: 32) {
      let part = model.evaluate(batch(examples[first..<min(first + 32, examples.count)]))
      sum += part.sum
      count += part.count
    }
    return sum / Double(count)
  }
}

/// The rows of the task as tokens.
private struct Rows {
  var training: [TrainingExample] = []
  var held: [TrainingExample] = []

  init(file: String, _ tokenizer: Tokenizer) throws {
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
      .map { $0.components(separatedBy: "||") }.filter { $0.count > 1 }
    var seen: Set<String> = []
    let meanings = lines.map { $0[0] }.filter { seen.insert($0).inserted }
    let heldOut = Set(meanings.suffix(60))
    for line in lines {
      let prompt =
        [1]
        + tokenizer.encode(
          line[0].trimmingCharacters(in: .whitespaces) + " =>", addSpecialTokens: false)
      let answer =
        tokenizer.encode(
          " " + line[1].trimmingCharacters(in: .whitespaces), addSpecialTokens: false) + [2]
      let example = TrainingExample(
        ids: prompt + answer,
        labels: Array(repeating: TokenBatch.ignored, count: prompt.count) + answer)
      if heldOut.contains(line[0]) { held.append(example) } else { training.append(example) }
    }
  }
}
