import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTraining
import PEFTTransformer

/// `peft train`.
enum TrainCommand: Command {
  static let usage = Usage(
    name: "train", summary: "Adapt a model to a file of rows.",
    discussion:
      "The rows have \"prompt\" and \"completion\", of which the completion is learned, \"text\", of "
      + "which everything is, \"messages\", of which what the assistant says is (see --learn), or \"instruction\", perhaps "
      + "\"input\", and \"output\"; those of a classifier \"text\", or two texts, and \"label\"; one of pictures "
      + "takes a folder with a folder of PNG and JPEG files for each class. The name of the file "
      + "tells its format: .jsonl has an object on each line, .json one array of objects, .csv and .tsv named "
      + "columns, any other file plain texts. Prompt and completion become tokens "
      + "each by itself, between the token that begins a text and the one that ends it; the end is learned too, "
      + "and of an empty completion it alone. Shows what would be trained, trains, "
      + "and writes an adapter folder that Hugging Face PEFT loads, or with --merged a model folder that "
      + "needs no adapter. Started by `mpirun`, several processes share the rows of each batch, where it was built with the trait "
      + "MPI. The method loftq writes the base in four bits as well, into the folder base of the output.",
    options: [
      .model, .precision, ModelTask.option, ModelTask.labels,
      Option("data", "FILE", "The rows, or the folder of pictures, to learn from."),
      Option("evaluation", "FILE", "Rows to measure the loss on, before, during and after."),
      Option("output", "DIR", "The folder to write."),
      Option(switch: "merged", "Write a merged model in place of an adapter."),
      Option("adapter", "DIR", "Train this adapter further in place of a new one."),
    ] + DataOptions.options + StreamPlan.options + TrainingPlan.options
      + ExtendedTokenizer.options + [
        Option(switch: "checkpoint-activations", "Use less memory and more time.")
      ] + TrainingControl.options + Samples.options + CheckpointPlan.options + [
        TrainingLogs.option, .config, .json,
      ],
    example: "peft train --model base --data rows.jsonl --targets all-linear --output adapter")

  static func run(_ given: Arguments) throws {
    var arguments = given
    let ranks = try Ranks()
    let output = try arguments.required("output")
    let course = try CheckpointPlan(&arguments)
    let data = try arguments.required("data")
    let task = try ModelTask.read(arguments)
    if task != .causalLM, arguments.has("add-tokens") {
      throw CommandError.conflict("task \(task.rawValue)", "add-tokens")
    }
    let extended = try ExtendedTokenizer(arguments)
    try ExtendedTokenizer.resolve(&arguments, extended)
    let plan = try TrainingPlan(arguments)
    var session = TrainingSession(
      plan: plan, course: course, control: try TrainingControl(arguments),
      logs: try TrainingLogs.formats(arguments), arguments: arguments, output: output,
      ranks: ranks)
    if plan.isFull, arguments.has("precision") {
      throw CommandError.conflict("method full", "precision")
    }
    if task == .imageClassification {
      return try ClassifierTraining<ImageClassifierFolder>(arguments, session).run(data)
    }
    for file in [data, arguments.string("evaluation")].compactMap({ $0 }) {
      try DataFile.requireFile(file)
    }
    if task == .sequenceClassification {
      return try ClassifierTraining<ClassifierFolder>(arguments, session).run(data)
    }
    if arguments.has("labels") { throw CommandError.conflict("labels", "task causal-lm") }
    let folder = try ModelFolder(
      arguments, precision: AdapterPreset.named(plan.methodName)?.precision, extended: extended)
    if folder.extended != nil { session.besides = folder.copyTokenizer }
    if extended != nil, !plan.isFull { ExtendedTokenizer.checkHead(folder, arguments) }
    let isModel = plan.isFull || arguments.isOn("merged")
    try OutputFolder.refuse(output, sameAs: folder.path)
    let content: OutputFolder.Content =
      isModel ? folder.content : plan.start.changesBase ? .adapterAndBase : .adapter
    if ranks.isFirst { try OutputFolder.check(output, for: content) }
    let model = folder.model
    let options = try DataOptions(arguments)
    func file(_ path: String) -> DataFile {
      DataFile(path, options, maximumLength: plan.maximumLength, for: folder)
    }
    let rows = try file(data).rows(folder, StreamPlan(arguments, plan))
    try session.prepare(model, merged: arguments.isOn("merged")) {
      if let adapter = arguments.string("adapter") {
        try folder.loadAdapter(adapter, isTrainable: true)
      } else if let method = plan.method {
        try plan.prepare(model)
        Console.print(try plan.preview(method, model).table)
        try plan.attach(method, to: model) { size in try rows.start(plan, of: size) }
      }
    }
    model.dropoutKeys = DropoutKeys(seed: plan.seed)

    let evaluation = try arguments.string("evaluation").map { try file($0).examples(folder) }
    let samples = try Samples(arguments, folder, evaluation ?? rows.first(64))
    try session.prepareOutput(content)
    let before =
      course.start == nil && ranks.isFirst
      ? try evaluation.map { try Evaluation(model, $0) } : nil
    if let before { Console.print("held-out loss before: \(before.loss.rounded(digits: 4)) nats") }
    let outcome = try session.train(
      model, rows.batches(plan),
      evaluation: evaluation.map {
        TokenBatches($0, batchSize: max(plan.batchSize, 16), groupsLengths: true)
      }, before: before.map { ($0.loss, $0.count) }, samples: samples)
    guard ranks.isFirst else { return try ranks.finish() }
    let measured = Result { try evaluation.map { try Evaluation(model, $0).loss } }
    let saved = try save(folder, plan, to: output, merged: arguments.isOn("merged"))
    Console.print("saved in \(saved)")
    try outcome.logs.writeResult(
      step: outcome.savedStep, before: before?.loss, after: try? measured.get(), model)
    // What was trained is saved also where a held-out row has no finite loss.
    let after = try measured.get()
    if let after { Console.print("held-out loss after: \(after.rounded(digits: 4)) nats") }
    if arguments.isOn("json") {
      Console.result(
        [.init("output", .string(saved))] + session.result(model, outcome) + [
          .init("before", (before?.loss).map(JSON.number) ?? .null),
          .init("after", after.map(JSON.number) ?? .null),
        ])
    }
    try ranks.finish()
  }

  private static func save(
    _ folder: ModelFolder, _ plan: TrainingPlan, to output: String, merged: Bool
  ) throws -> String {
    if !plan.isFull, !merged {
      let adapter = try folder.model.adapter("default")
      if folder.extended != nil { try folder.copyTokenizer(to: output) }
      guard plan.start.changesBase else { return try adapter.save(to: output) }
      let base = "\(output)/base"
      try folder.model.save(to: base)
      try folder.copyTokenizer(to: base)
      Console.print("the base that it belongs to is in \(base)")
      return try adapter.save(to: output, baseModel: base)
    }
    if !plan.isFull {
      let outcome = try MergeCommand.merge(folder, to: output, .float32)
      Console.print("largest difference on a probe after merging: \(outcome.writtenDifference)")
    } else {
      try folder.model.save(to: output)
      try folder.copyTokenizer(to: output)
    }
    return output
  }
}
