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
    let held = "\(data)/dev.tsv"
    var method = LoRA(rank: 8, alpha: 16, targets: .names(["query", "value"]))
    method.selection.seed = seed
    try model.attach(method)
    let before = try Self.accuracy(model, held, tokenizer)
    let batches = try Self.batches("\(data)/train.tsv", tokenizer, options.feed())
    let steps = try options.number("epochs", default: 1) * batches.batchCount
    let trainer = Trainer(
      model,
      optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-3, weightDecay: 0.01),
      schedule: .linear(), settings: .bench(steps: steps))
    let training = try trainer.summary(batches)
    var record = BenchRecord()
    record.add("task", "sst2")
    record.add("steps", steps)
    record.add("before", before)
    record.add("after", try Self.accuracy(model, held, tokenizer))
    record.add(training)
    record.add("trainable", model.parameterCount(.trainable))
    record.addPeakMemory()
    if let output = try? options.text("save") {
      _ = try model.adapter("default").save(to: output)
    }
    return record
  }

  /// Batches of 32 in the order of the file, made before the training or while it runs.
  private static func batches(
    _ path: String, _ tokenizer: Tokenizer, _ feed: BenchFeed
  ) throws -> any BatchSource<ClassificationBatch> {
    let stream = try stream(path, tokenizer, StreamSettings(size: .rows(32), dropsLast: true))
    if feed == .stream { return stream }
    return try stream.collected
  }

  private static func stream(
    _ path: String, _ tokenizer: Tokenizer, _ settings: StreamSettings
  ) throws -> StreamedBatches<LabelledRow, ClassificationExample> {
    try StreamedBatches(DelimitedText.tsv(path: path, columns: ["text", "label"]), settings) {
      row in
      guard let label = Int32(row.label) else {
        return .bad(expected: "the number of a class", found: row.label)
      }
      let ids = Array(tokenizer.encode(row.text).prefix(64))
      return .example(ClassificationExample(ids: ids, label: label), isCut: false)
    }
  }

  private static func accuracy(
    _ model: SequenceClassifier, _ path: String, _ tokenizer: Tokenizer
  ) throws -> Double {
    let rows = try stream(path, tokenizer, StreamSettings(size: .rows(64)))
    return try ClassificationQuality(model, rows).accuracy
  }
}
