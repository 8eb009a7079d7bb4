import Foundation
import PEFT

/// LoRA of an encoder as a classifier on rows `sentence<TAB>label`: batches of 32 in the order of the file, at most 64 tokens a
/// row; rank 8, alpha 16, query and value, and the whole last map; AdamW 1e-3, linear decay.
struct SentimentWorkload {
  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  func run() throws -> BenchRecord {
    let folder = try options.text("model")
    let data = try options.text("data")
    let seed = UInt64(try options.number("seed", default: 0, least: 0))
    let model = try SequenceClassifier(directory: folder, newLabels: ["0", "1"], seed: seed)
    let tokenizer = try Tokenizer(folder: folder)
    let training = try Self.rows("\(data)/train.tsv", tokenizer)
    let held = try Self.rows("\(data)/dev.tsv", tokenizer)
    var method = LoRA(rank: 8, alpha: 16, targets: .names(["query", "value"]))
    method.selection.seed = seed
    try model.attach(method)
    let before = Self.accuracy(model, held)
    let optimizer = AdamW(
      model.parameters(.trainable), learningRate: Self.rate, weightDecay: 0.01)
    let batches = training.count / Self.batchSize
    let steps = try options.number("epochs", default: 1) * batches
    var tokens = 0
    let time = seconds {
      for step in 0..<steps {
        optimizer.learningRate = Self.rate * (1 - Double(step) / Double(steps))
        let first = step % batches * Self.batchSize
        let batch = Self.batch(training[first..<first + Self.batchSize])
        model.loss(batch).backward()
        optimizer.step()
        tokens += batch.tokenCount
      }
    }
    var record = BenchRecord()
    record.add("task", "sst2")
    record.add("steps", steps)
    record.add("before", before)
    record.add("after", Self.accuracy(model, held))
    record.add("train_s", time)
    record.add("tokens_per_s", Double(tokens) / time)
    record.add("trainable", model.parameterCount(.trainable))
    record.addPeakMemory()
    if let output = try? options.text("save") {
      _ = try model.adapter("default").save(to: output)
    }
    return record
  }

  private static let rate = 1e-3
  private static let batchSize = 32

  private struct Row {
    let ids: [Int32]
    let label: Int32
  }

  private static func rows(_ path: String, _ tokenizer: Tokenizer) throws -> [Row] {
    try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map { line in
      let parts = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard parts.count == 2, let label = Int32(parts[1]) else {
        throw BenchError("\(path): a row is no sentence with a label: \(line)")
      }
      return Row(ids: Array(tokenizer.encode(String(parts[0])).prefix(64)), label: label)
    }
  }

  private static func batch(_ rows: ArraySlice<Row>) -> ClassificationBatch {
    ClassificationBatch(TokenRows(rows.map(\.ids)), labels: rows.map(\.label))
  }

  private static func accuracy(_ model: SequenceClassifier, _ rows: [Row]) -> Double {
    var right = 0
    for first in stride(from: 0, to: rows.count, by: 64) {
      let batch = batch(rows[first..<min(first + 64, rows.count)])
      let scores = withoutGradients { model(batch.rows) }.array
      let classes = scores.count / batch.labels.count
      for (row, label) in batch.labels.enumerated() {
        let own = scores[row * classes..<(row + 1) * classes]
        if let best = own.max(), own.firstIndex(of: best) == row * classes + Int(label) {
          right += 1
        }
      }
    }
    return Double(right) / Double(rows.count)
  }
}
