import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTDefaultModel
import PEFTJSON
import PEFTTransformer

/// `peft compare`.
enum CompareCommand: Command {
  static let usage = Usage(
    name: "compare", summary: "Train every method on one task, and show how they did.",
    discussion:
      "Every method trains about as many parameters as LoRA of one rank on all linear layers, each seed in a "
      + "process of its own, so that time and memory are its own. What was saved is loaded again and measured on "
      + "held-out rows, and merged where that is possible. Writes table.md, results.json and compare.svg. "
      + "Without --data the built-in model learns the weather reports of the demo. A method that fails is a row "
      + "that says why. The same command goes on where it was interrupted: what was measured is kept in logs. "
      + "The columns: trained parameters, the adapter in kilobytes, the mean and the range of the held-out loss "
      + "of all seeds in nats a token, the highest learning rate, the milliseconds of a step (the least of the medians), "
      + "how many times LoRA's with --timings, the most megabytes of the training process, and whether it merges.",
    options: [
      .model,
      Option("data", "FILE", default: "weather reports", "The rows to learn from."),
      Option("evaluation", "FILE", "The rows to measure on, which --data asks for."),
      Option("from", "FILE", "Show an earlier results.json again; nothing is trained."),
      Option("output", "DIR", default: "peft-compare", "The folder for all results."),
      Option("methods", "LIST", default: "all", "Which methods: names between commas."),
      Option("seeds", "N", default: "3", "How often each method is trained."),
      Option("steps", "N", default: "100", "How many optimiser steps."),
      Option("batch", "N", default: "8", "Rows in a batch."),
      Option("max-length", "N", default: "256", "Every row is cut to N tokens."),
      Option("rank", "R", default: "4", "The rank of LoRA that sets how much every method trains."),
      Option(
        "learning-rate-factor", "X", default: "1",
        "Multiplies the learning rate of every method; those suit small models."),
      Option(
        switch: "search",
        "Find the learning rate of every method: from the one that suits it on the built-in model, times the factor, down or up "
          + "by about three as long as the loss falls, with one seed more, on every tenth prompt of --data, which is held back."
      ),
      Option(
        "timings", "N", default: "0",
        "Time every method N times in turn with LoRA, after its training."),
      .config, .json,
    ],
    example: "peft compare --methods lora,ia3,full --seeds 1 --output /tmp/compare")

  static func run(_ arguments: Arguments) throws {
    let start = ContinuousClock.now
    let output = arguments.string("output") ?? "peft-compare"
    if let file = arguments.string("from") {
      for option in usage.options where !["from", "output", "json"].contains(option.name) {
        if arguments.has(option.name) { throw CommandError.conflict("from", option.name) }
      }
      let (comparison, seconds) = try Comparison.read(file)
      try OutputFolder.prepare(output, for: .comparison)
      let table = ComparisonTable(comparison, seconds: seconds)
      Console.print(ComparisonTable.header)
      Console.print(table.baseLine)
      for outcome in comparison.outcomes { Console.print(table.line(outcome)) }
      return try write(table, output, arguments)
    }
    let methods = try ComparedMethod.named(arguments.list("methods"))
    let task = try task(arguments, output)
    let model = try ModelFolder(ModelFolder.path(arguments)).model
    Console.print(
      "\(methods.count) methods, \(task.seeds) seeds, \(task.steps) steps of \(task.batchSize) rows, about "
        + "\(task.budget.grouped) of \(model.parameterCount().grouped) parameters trained")
    var comparison = Comparison(task, output: output)
    Console.print(ComparisonTable.header)
    let shown = ComparisonTable(comparison, seconds: 0)
    try comparison.run(methods) { Console.print(shown.line($0)) }
    let seconds = (ContinuousClock.now - start).seconds
    let table = ComparisonTable(comparison, seconds: seconds)
    Console.print(table.baseLine)
    try write(table, output, arguments)
    if comparison.outcomes.allSatisfy(\.losses.isEmpty) {
      throw CommandError.unusable(path: output, reason: "no method could be trained")
    }
  }

  private static func write(
    _ table: ComparisonTable, _ output: String, _ arguments: Arguments
  ) throws {
    let files = [
      ("table.md", table.markdown),
      ("results.json", JSON.object(table.json).text(.indented) + "\n"),
      ("compare.svg", ComparisonPicture(table.comparison.outcomes, subtitle: table.subtitle).svg),
    ]
    Console.print()
    for remark in table.remarks {
      Console.print("- " + remark.wrapped(to: 96).joined(separator: "\n  "))
    }
    Console.print("\nThe last run of this took \(table.seconds.rounded(digits: 0)) s.")
    for (name, text) in files {
      try atomicallyWrite(text, to: "\(output)/\(name)")
      Console.print("  \(output)/\(name)")
    }
    if arguments.isOn("json") { Console.result(table.json) }
  }

  private static func task(_ arguments: Arguments, _ output: String) throws -> Comparison.Task {
    let files = ["data", "evaluation"].map { arguments.string($0) }
    let steps = try arguments.integer("steps", in: 1...1_000_000) ?? 100
    var task = Comparison.Task(
      model: arguments.string("model"), data: files[0] ?? "\(output)/data.jsonl",
      evaluation: files[1] ?? "\(output)/held-out.jsonl", steps: steps,
      batchSize: try arguments.integer("batch", in: 1...1_000_000) ?? 8,
      maximumLength: try arguments.integer("max-length", in: 2...1_000_000) ?? 256,
      seeds: try arguments.integer("seeds", in: 1...1000) ?? 3,
      rank: try arguments.integer("rank", in: 1...1_000_000) ?? 4, budget: 0,
      rateFactor: try arguments.number("learning-rate-factor", in: 1e-6...1e6) ?? 1,
      isSearching: arguments.isOn("search"),
      timings: try arguments.integer("timings", in: 0...1000) ?? 0)
    if files[0] != nil, files[1] == nil { throw CommandError.missingOption("evaluation") }
    if files[0] == nil, files[1] != nil { throw CommandError.missingOption("data") }
    for file in files.compactMap({ $0 }) { try DataFile.requireFile(file) }
    let model = try ModelFolder(ModelFolder.path(arguments)).model
    // What every other method comes near to.
    task.budget = try LoRA(rank: task.rank, alpha: 1, targets: .allLinear).plan(model)
      .trainableCount
    try OutputFolder.prepare(output, for: .comparison)
    if files[0] == nil { try writeReports(task) }
    return task
  }

  /// The rows of the demo, as files that every process reads.
  private static func writeReports(_ task: Comparison.Task) throws {
    var rows = WeatherRows(seed: 0)
    let heldOut = rows.rows(100)
    let training = rows.rows(min(4000, task.batchSize * task.steps), except: heldOut)
    for (path, rows) in [(task.data, training), (task.evaluation, heldOut)] {
      let lines = rows.map { row in
        JSON.object([
          .init("prompt", .string(row.prompt)), .init("completion", .string(row.completion)),
        ]).text(.compact) + "\n"
      }
      try writeIfOther(Array(lines.joined().utf8), to: path)
    }
  }
}
