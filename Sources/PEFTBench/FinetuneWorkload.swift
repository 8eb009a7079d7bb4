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
    let steps = try options.number("steps", default: 300)
    let trainer = Trainer(
      model, optimizer: AdamW(model.parameters(.trainable), learningRate: 2e-3),
      schedule: .linear(), settings: .bench(steps: steps))
    let training = try trainer.summary(try rows.batches(options.feed()))
    var record = BenchRecord()
    record.add("task", "e2e")
    record.add("precision", precision.rawValue)
    record.add("steps", steps)
    record.add("before", before)
    record.add("after", Self.quality(model, rows.held))
    record.add(training)
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

/// The rows of the task.
private struct Rows {
  /// Meanings and texts to train on.
  private var training: [DataRecord] = []
  /// The others as tokens.
  private(set) var held: [TrainingExample] = []
  private let tokenizer: Tokenizer

  init(file: String, _ tokenizer: Tokenizer) throws {
    self.tokenizer = tokenizer
    let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
      .map { $0.components(separatedBy: "||") }.filter { $0.count > 1 }
    var seen: Set<String> = []
    let meanings = lines.map { $0[0] }.filter { seen.insert($0).inserted }
    let heldOut = Set(meanings.suffix(60))
    for (number, line) in lines.enumerated() {
      let row = TrainingRow.completion(prompt: line[0], completion: line[1])
      if heldOut.contains(line[0]) {
        held.append(Self.example(row, tokenizer))
      } else {
        training.append(
          DataRecord(
            line: number + 1,
            fields: [.init("prompt", .text(line[0])), .init("completion", .text(line[1]))]))
      }
    }
  }

  /// Batches of sixteen in the order of the file, made before the training or while it runs.
  func batches(_ feed: BenchFeed) throws -> any BatchSource<TokenBatch> {
    let source = GeneratedRecords("the rows") { [training] place in
      place < training.count ? training[place] : nil
    }
    let stream = try StreamedBatches<TrainingRow, TrainingExample>(
      source, StreamSettings(size: .rows(16), dropsLast: true)
    ) { [tokenizer] row in .example(Self.example(row, tokenizer), isCut: false) }
    if feed == .stream { return stream }
    return try stream.collected
  }

  private static func example(_ row: TrainingRow, _ tokenizer: Tokenizer) -> TrainingExample {
    guard case .completion(let meaning, let text) = row else {
      preconditionFailure("a row of the task has a meaning and a text")
    }
    let prompt =
      [1]
      + tokenizer.encode(
        meaning.trimmingCharacters(in: .whitespaces) + " =>", addSpecialTokens: false)
    let answer =
      tokenizer.encode(" " + text.trimmingCharacters(in: .whitespaces), addSpecialTokens: false)
      + [2]
    return TrainingExample(
      ids: prompt + answer,
      labels: Array(repeating: TokenBatch.ignored, count: prompt.count) + answer)
  }
}
