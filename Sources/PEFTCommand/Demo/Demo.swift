import PEFTAdapters
import PEFTDefaultModel
import PEFTJSON
import PEFTTensor
import PEFTTokenizers
import PEFTTraining
import PEFTTransformer

/// One adaptation from beginning to end: the base model, LoRA beside full fine-tuning, saving, merging.
struct Demo {
  static let defaultSteps = 200
  /// How many held-out rows the methods write reports for.
  private static let reportedRows = 50

  private let steps: Int
  private let seed: UInt64
  private let training: [WeatherRows.Row]
  private let heldOut: [WeatherRows.Row]

  /// How one method did.
  private struct Outcome {
    var name: String
    var trainable: Int
    var total: Int
    var loss: Double
    /// How many of the reported rows have every fact right.
    var right: Int
    var seconds: Double
    var sample: String
    var json: JSON {
      .object([
        .init("trainable", .integer(trainable)), .init("loss", .number(loss)),
        .init("right", .integer(right)),
        .init("train_s", .number(seconds)), .init("sample", .string(sample)),
      ])
    }
  }

  /// A demo whose rows depend on the seed.
  init(seed: UInt64, steps: Int) {
    (self.seed, self.steps) = (seed, steps)
    var rows = WeatherRows(seed: seed)
    heldOut = rows.rows(200)
    training = rows.rows(min(4000, 16 * steps), except: heldOut)
  }

  /// The prompt whose continuations are shown.
  var examplePrompt: String { heldOut[0].prompt }

  /// Runs everything, and gives the figures for the line of JSON.
  mutating func run(into output: String) throws -> [JSON.Member] {
    let path = try ModelFolder.builtInPath()
    let folder = try ModelFolder(path)
    try OutputFolder.prepare("\(output)/adapter", for: .adapter)
    try OutputFolder.prepare("\(output)/merged", for: folder.content)
    let baseBytes = try FolderContent(path).byteCount
    let total = folder.model.parameterCount()
    Console.heading("The base model")
    Console.print(
      "A Llama of \(total.grouped) parameters, \(baseBytes.grouped) bytes on disk, pre-trained on stories and notes. "
        + "It goes on like this:")
    show(try sample(folder, "Once upon a time", tokens: 60), after: "Once upon a time")

    Console.heading("The task: weather reports from data")
    let examples = encode(training, folder)
    let held = encode(heldOut, folder)
    Console.print(
      "\(training.count.grouped) rows to learn from, \(heldOut.count) others to measure on. One of these:"
    )
    show(heldOut[0].completion, after: heldOut[0].prompt)
    let before = try Evaluation(folder.model, held)
    Console.print(
      "\nThe base model's loss on them is \(before.loss.rounded(digits: 3)) nats a token. It writes:"
    )
    let rightBefore = try right(folder)
    let sampleBefore = try sample(folder, examplePrompt)
    show(sampleBefore)

    Console.heading("LoRA")
    var lora = LoRA(rank: 8, alpha: 16, targets: .allLinear)
    lora.seed = seed
    Console.print(try lora.plan(folder.model).table)
    try folder.model.attach(lora)
    let adapted = try train("LoRA", folder, examples, held, learningRate: 1e-2)
    show(adapted.sample)

    Console.heading("Full fine-tuning, to compare")
    let full = try ModelFolder(path)
    full.model.unfreeze()
    let tuned = try train("full", full, examples, held, learningRate: 3e-3)
    show(tuned.sample)

    Console.heading("Figures of this run")
    report(before.loss, rightBefore, [adapted, tuned])

    Console.heading("Files")
    let adapter = try folder.model.adapter("default").save(to: "\(output)/adapter")
    let adapterBytes = try FolderContent(adapter).byteCount
    let merged = try MergeCommand.merge(folder, to: "\(output)/merged", .float32)
    Console.print("base     \(baseBytes.grouped.aligned(to: 9)) bytes  \(path)")
    Console.print("adapter  \(adapterBytes.grouped.aligned(to: 9)) bytes  \(adapter)")
    Console.print("merged   \(merged.byteCount.grouped.aligned(to: 9)) bytes  \(output)/merged")
    let mergedLoss = try Evaluation(try ModelFolder("\(output)/merged").model, held).loss
    Console.print(
      "The merged model needs no adapter: its largest difference to the adapted one is "
        + "\(merged.writtenDifference) of outputs up to \(merged.report.largestOutput), its held-out "
        + "loss \(mergedLoss.rounded(digits: 3)).")
    return [
      .init("base_parameters", .integer(total)), .init("base_bytes", .integer(baseBytes)),
      .init("before", .number(before.loss)),
      .init("rows_written", .integer(Self.reportedRows)),
      .init("right_before", .integer(rightBefore)), .init("sample_before", .string(sampleBefore)),
      .init("lora", adapted.json), .init("full", tuned.json),
      .init("adapter", .string(adapter)), .init("adapter_bytes", .integer(adapterBytes)),
      .init("merged", .string("\(output)/merged")),
      .init("merged_bytes", .integer(merged.byteCount)),
      .init("merged_difference", .number(Double(merged.writtenDifference))),
      .init("largest_output", .number(Double(merged.report.largestOutput))),
      .init("merged_loss", .number(mergedLoss)),
    ]
  }

  private func encode(_ rows: [WeatherRows.Row], _ folder: ModelFolder) -> [TrainingExample] {
    let encoder = folder.encoder(maximumLength: 256, end: folder.endings.first)
    return rows.compactMap {
      encoder.encode(.completion(prompt: $0.prompt, completion: $0.completion)).example
    }
  }

  private func train(
    _ name: String, _ folder: ModelFolder, _ examples: [TrainingExample],
    _ held: [TrainingExample], learningRate: Double
  ) throws -> Outcome {
    let model = folder.model
    let parameters = model.parameters(.trainable)
    let trainable = parameters.reduce(0) { $0 + $1.parameter.count }
    let trainer = Trainer(
      model, optimizer: AdamW(parameters, learningRate: learningRate),
      schedule: .linear(warmup: min(10, steps / 5)),
      settings: TrainerSettings(duration: .steps(steps), maximumGradientNorm: 1))
    let batches = TokenBatches(
      examples, batchSize: 16, order: .shuffled(seed: seed), groupsLengths: true)
    let view = TrainingView(name)
    let start = ContinuousClock.now
    try trainer.run(batches) { event in
      view.show(event)
      return true
    }
    let seconds = (ContinuousClock.now - start).seconds
    let loss = try Evaluation(model, held).loss
    Console.print(
      "\(steps) steps in \(seconds.rounded(digits: 1)) s: held-out loss "
        + "\(loss.rounded(digits: 3)). It writes:")
    return Outcome(
      name: name, trainable: trainable, total: model.baseParameterCount, loss: loss,
      right: try right(folder), seconds: seconds, sample: try sample(folder, examplePrompt))
  }

  private func sample(_ folder: ModelFolder, _ prompt: String, tokens: Int = 80) throws -> String {
    try GenerateCommand.continuation(
      folder, prompt, GenerationLimits(newTokens: tokens), .greedy
    ).text
  }

  private func show(_ text: String, after prompt: String = "") {
    let lines = (prompt + text).wrapped(to: 76)
    Console.print(lines.map { "  | \($0)" }.joined(separator: "\n"))
  }

  /// For how many of the first held-out rows the model's report has every fact right.
  private func right(_ folder: ModelFolder) throws -> Int {
    let rows = heldOut.prefix(Self.reportedRows)
    let reports = try folder.model.generate(
      rows.map { folder.encode($0.prompt) },
      GenerationLimits(newTokens: 100, stopTokens: Set(folder.endings)))
    return zip(rows, reports).count { row, tokens in
      let text = folder.tokenizer.decode(tokens)
      return row.facts.allSatisfy(text.contains)
    }
  }

  private func report(_ before: Double, _ rightBefore: Int, _ outcomes: [Outcome]) {
    func ofAll(_ rows: Int) -> String { "\(rows) of \(Self.reportedRows)" }
    Console.print("        parameters trained  held-out loss  all facts right  seconds")
    func row(_ cells: [String]) {
      let widths = [18, 15, 17, 9]
      let aligned = zip(cells.dropFirst(), widths).map { $0.aligned(to: $1) }
      Console.print(cells[0].padded(to: 8) + aligned.joined())
    }
    row(["before", "-", before.rounded(digits: 3), ofAll(rightBefore), "-"])
    for outcome in outcomes {
      let share = (100 * Double(outcome.trainable) / Double(outcome.total)).rounded(digits: 1)
      row([
        outcome.name, "\(outcome.trainable.grouped) (\(share) %)", outcome.loss.rounded(digits: 3),
        ofAll(outcome.right), outcome.seconds.rounded(digits: 1),
      ])
    }
  }
}
