import Foundation
import PEFTAdapters
import PEFTJSON
import PEFTTraining
import PEFTTransformer

/// `peft evaluate`.
enum EvaluateCommand: Command {
  static let usage = Usage(
    name: "evaluate", summary: "Measure the loss of a model, or of a model with an adapter.",
    discussion:
      "The rows of .jsonl, .json, .csv and .tsv files are those of peft train, of which what is learned "
      + "counts. Any other file is plain text, cut at the separator and "
      + "stripped; every text starts after the token that begins one, and all of its tokens count. The "
      + "loss is the mean over all of these tokens, in nats. A DyLoRA adapter is measured at every rank. "
      + "Of a classifier the accuracy is measured as well.",
    options: [
      .model, .precision, .adapter, .lenient, ModelTask.option, ModelTask.labels,
      Option("data", "FILE", "The text, or the folder of pictures, to measure on."),
    ] + DataOptions.options + [
      Option("max-length", "N", default: "512", "Every row is cut to N tokens."),
      .config, .json,
    ],
    example: "peft evaluate --model base --adapter adapter --data held-out.jsonl --json")

  static func run(_ arguments: Arguments) throws {
    let path = try arguments.required("data")
    let length = try arguments.integer("max-length", in: 2...1_000_000) ?? 512
    let options = try DataOptions(arguments)
    switch try ModelTask.read(arguments) {
    case .imageClassification:
      return try evaluate(
        ImageClassifierFolder(arguments, data: path, options), arguments, path,
        maximumLength: length)
    case .sequenceClassification:
      return try evaluate(
        ClassifierFolder(arguments, data: path, options), arguments, path, maximumLength: length)
    case .causalLM: try DataFile.requireFile(path)
    }
    if arguments.has("labels") { throw CommandError.conflict("labels", "task causal-lm") }
    let folder = try ModelFolder(arguments)
    try folder.attachAdapter(arguments)
    let data = DataFile(path, options, maximumLength: length, for: folder)
    let start = ContinuousClock.now
    let rows = try data.examplesOrTexts(folder)
    let progress = Progress("evaluating", total: rows.count)
    let evaluation = try Evaluation(folder.model, rows) { progress.update($0) }
    progress.finish()
    let seconds = (ContinuousClock.now - start).seconds
    guard evaluation.count > 0 else {
      throw CommandError.unusable(path: path, reason: "no token in it counts")
    }
    Console.print(
      "loss \(evaluation.loss.rounded(digits: 4)) nats over \(evaluation.count.grouped) tokens of "
        + "\(rows.count.grouped) rows, perplexity \(exp(evaluation.loss).rounded(digits: 3)), "
        + "\(seconds.rounded(digits: 2)) s")
    let ranks = try lossesByRank(folder, rows)
    for entry in ranks {
      Console.print("  rank \(entry.rank)  loss \(entry.result.rounded(digits: 4)) nats")
    }
    if arguments.isOn("json") {
      Console.result(
        [
          .init("who", .string("swift-peft")), .init("loss", .number(evaluation.loss)),
          .init("perplexity", .number(exp(evaluation.loss))),
          .init("tokens", .integer(evaluation.count)), .init("rows", .integer(rows.count)),
          .init("median_s", .number(seconds)),
          .init("tokens_per_s", .number(Double(evaluation.count) / seconds)),
        ] + (ranks.isEmpty ? [] : [.init("ranks", .array(ranks.map { .number($0.result) }))]))
    }
  }

  /// The loss at every rank, from 1 on, of an adapter that can be used at each; nothing for others.
  private static func lossesByRank(
    _ folder: ModelFolder, _ rows: [TrainingExample]
  ) throws -> [(rank: Int, result: Double)] {
    let adapter = try? folder.model.adapter("default")
    return try adapter?.nestedRanks?.evaluate { _ in try Evaluation(folder.model, rows).loss } ?? []
  }
}

extension EvaluateCommand {
  private static func evaluate(
    _ folder: some CommandClassifier, _ arguments: Arguments, _ path: String, maximumLength: Int
  ) throws {
    if let adapter = arguments.string("adapter") {
      try ModelFolder.loadAdapter(
        adapter, onto: folder.model, mode: ModelFolder.mode(arguments))
    }
    let start = ContinuousClock.now
    let (batches, count) = try folder.heldOut(path, maximumLength: maximumLength)
    let progress = Progress("evaluating", total: count)
    let quality = try folder.quality(batches) { progress.update($0) }
    progress.finish()
    let seconds = (ContinuousClock.now - start).seconds
    Console.print(
      "accuracy \((100 * quality.accuracy).rounded(digits: 2)) % and loss "
        + "\(quality.loss.rounded(digits: 4)) nats over \(quality.count.grouped) rows, "
        + "\(seconds.rounded(digits: 2)) s")
    if arguments.isOn("json") {
      Console.result([
        .init("who", .string("swift-peft")), .init("accuracy", .number(quality.accuracy)),
        .init("loss", .number(quality.loss)), .init("rows", .integer(quality.count)),
        .init("labels", .array(folder.model.configuration.labels.map(JSON.string))),
        .init("median_s", .number(seconds)),
      ])
    }
  }
}

extension Duration {
  /// The same in seconds.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
