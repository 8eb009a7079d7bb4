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
      + "which everything is, \"messages\", of which what the assistant says is, or \"instruction\", perhaps "
      + "\"input\", and \"output\". The name of the file "
      + "tells its format: .jsonl has an object on each line, .json one array of objects, .csv and .tsv named "
      + "columns, any other file plain texts. Prompt and completion become tokens "
      + "each by itself, between the token that begins a text and the one that ends it; the end is learned too, "
      + "and of an empty completion it alone. Shows what would be trained, trains, "
      + "and writes an adapter folder that Hugging Face PEFT loads, or with --merged a model folder that "
      + "needs no adapter. The method loftq writes the base in four bits as well, into the folder base of the output.",
    options: [
      .model, .precision,
      Option("data", "FILE", "The rows to learn from."),
      Option("evaluation", "FILE", "Rows to measure the loss on, before, during and after."),
      Option("output", "DIR", "The folder to write."),
      Option(switch: "merged", "Write a merged model in place of an adapter."),
      Option("adapter", "DIR", "Train this adapter further in place of a new one."),
    ] + DataOptions.options + TrainingPlan.options + [
      Option(switch: "checkpoint-activations", "Use less memory and more time.")
    ] + TrainingControl.options + Samples.options + CheckpointPlan.options + [
      TrainingLogs.option, .config, .json,
    ],
    example: "peft train --model base --data rows.jsonl --targets all-linear --output adapter")

  static func run(_ given: Arguments) throws {
    var arguments = given
    let output = try arguments.required("output")
    let course = try CheckpointPlan(&arguments)
    let data = try arguments.required("data")
    let plan = try TrainingPlan(arguments)
    let control = try TrainingControl(arguments)
    let formats = try TrainingLogs.formats(arguments)
    for file in [data, arguments.string("evaluation")].compactMap({ $0 }) {
      try DataFile.requireFile(file)
    }
    if plan.isFull, arguments.has("precision") {
      throw CommandError.conflict("method full", "precision")
    }
    let folder = try ModelFolder(
      arguments, precision: AdapterPreset.named(plan.methodName)?.precision)
    let isModel = plan.isFull || arguments.isOn("merged")
    try OutputFolder.refuse(output, sameAs: folder.path)
    let content: OutputFolder.Content =
      isModel ? folder.content : plan.start.changesBase ? .adapterAndBase : .adapter
    try OutputFolder.check(output, for: content)
    let model = folder.model
    let options = try DataOptions(arguments)
    func file(_ path: String) -> DataFile {
      DataFile(path, options, maximumLength: plan.maximumLength, for: folder)
    }
    let examples = try file(data).examples(folder)
    try prepare(folder, plan, examples, arguments)
    model.decoder.checkpointsActivations = arguments.isOn("checkpoint-activations")
    model.dropoutKeys = DropoutKeys(seed: plan.seed)

    let evaluation = try arguments.string("evaluation").map { try file($0).examples(folder) }
    let samples = try Samples(arguments, folder, evaluation ?? examples)
    try OutputFolder.prepare(output, for: content)
    let before =
      course.start == nil ? try evaluation.map { try Evaluation(model, $0).loss } : nil
    if let before { Console.print("held-out loss before: \(before.rounded(digits: 4)) nats") }
    let view = TrainingView("training")
    let logs = try TrainingLogs(formats, in: output, goingOnAfter: course.start?.step)
    func sample(_ step: Int, _ average: WeightAverage? = nil) throws {
      let entries = try samples?.entries(step: step, average) ?? []
      view.show(samples: entries)
      for entry in entries { try logs.write(entry) }
    }
    if course.start == nil { try sample(0) }
    let trainer = try trainer(model, plan, course, control, scratch: output)
    let summary = try train(trainer, examples, evaluation, plan, course, control) { event in
      view.show(event)
      try logs.write(event)
      if case .step(let step) = event, samples?.areDue(after: step.progress.step) == true {
        try sample(step.progress.step, trainer.average)
      }
    }
    view.finish()
    try sample(try control.finish(trainer, course.checkpoints))
    if let summary, let loss = summary.loss {
      let taken = summary.steps - (course.start?.step ?? 0)
      Console.print(
        "\(taken) \(taken == 1 ? "step" : "steps") in \(summary.seconds.rounded(digits: 1)) s, loss of the last "
          + "\(loss.rounded(digits: 4)) nats")
    }
    let measured = Result { try evaluation.map { try Evaluation(model, $0).loss } }
    let saved = try save(folder, plan, to: output, merged: arguments.isOn("merged"))
    Console.print("saved in \(saved)")
    // What was trained is saved also where a held-out row has no finite loss.
    let after = try measured.get()
    if let after { Console.print("held-out loss after: \(after.rounded(digits: 4)) nats") }
    if arguments.isOn("json") {
      Console.result([
        .init("output", .string(saved)), .init("method", .string(plan.methodName)),
        .init("trainable", .integer(trainableCount(model, plan))),
        .init("parameters", .integer(model.baseParameterCount)),
        .init("steps", .integer(summary?.steps ?? 0)),
        .init("loss", summary?.loss.map(JSON.number) ?? .null),
        .init("before", before.map(JSON.number) ?? .null),
        .init("after", after.map(JSON.number) ?? .null),
        .init("train_s", .number(summary?.seconds ?? 0)),
        .init(
          "tokens_per_s",
          .number(summary.map { Double($0.tokens) / max($0.seconds, 1e-9) } ?? 0)),
        .init("median_step_s", view.medianStep.map(JSON.number) ?? .null),
        .init("peak_bytes", ProcessMemory.current.map { .integer($0.peak) } ?? .null),
      ])
    }
  }

  /// Attaches what is trained, or continues with `--adapter`, and says what that is.
  private static func prepare(
    _ folder: ModelFolder, _ plan: TrainingPlan, _ examples: [TrainingExample],
    _ arguments: Arguments
  ) throws {
    let model = folder.model
    let total = model.parameterCount()
    if plan.isFull {
      model.unfreeze()
    } else if let adapter = arguments.string("adapter") {
      try folder.loadAdapter(adapter, isTrainable: true)
    } else if let method = plan.method {
      try plan.prepare(model)
      Console.print(try plan.preview(method, model).table)
      try plan.attach(method, to: model, examples)
    }
    if arguments.isOn("merged") {
      // A method that cannot be merged says so before it is trained.
      try model.merge()
      try model.unmerge()
    }
    let trainable = model.parameterCount(.trainable)
    Console.print(
      "trainable \(trainable.grouped) of \(total.grouped) parameters "
        + "(\((100 * Double(trainable) / Double(total)).rounded(digits: 2)) %)")
  }

  /// A trainer that stands where the training begins or goes on.
  private static func trainer(
    _ model: CausalLM, _ plan: TrainingPlan, _ course: CheckpointPlan, _ control: TrainingControl,
    scratch: String
  ) throws -> Trainer<CausalLM> {
    let trainer = Trainer(
      model, optimizer: try plan.makeOptimizer(model, folder: scratch), schedule: plan.schedule,
      settings: plan.settings)
    try control.prepare(trainer, plan)
    if let start = course.start { try start.restore(trainer) }
    return trainer
  }

  private static func train(
    _ trainer: Trainer<CausalLM>, _ examples: [TrainingExample], _ evaluation: [TrainingExample]?,
    _ plan: TrainingPlan, _ course: CheckpointPlan, _ control: TrainingControl,
    show: (TrainingEvent) throws -> Void
  ) throws -> TrainingEvent.Summary? {
    let batches = TokenBatches(
      examples, batchSize: plan.batchSize, order: plan.order, groupsLengths: plan.groupsLengths)
    let held = plan.settings.evaluationInterval == nil ? nil : evaluation
    let interruption = course.interval.map { _ in Interruption() }
    var summary: TrainingEvent.Summary?
    try trainer.run(
      batches,
      evaluationData: held.map {
        TokenBatches($0, batchSize: max(plan.batchSize, 16), groupsLengths: true)
      }
    ) { event in
      try show(event)
      switch event {
      case .finished(let finished): summary = finished
      case .evaluation(let evaluation):
        if control.keepsBest, evaluation.isBest { try course.saveBest(trainer) }
      case .change: break
      case .step(let step):
        let isStopped = interruption?.hasCome ?? false
        try course.save(trainer, isLast: isStopped || step.progress.step == step.progress.total)
        return !isStopped
      }
      return true
    }
    guard summary != nil else {
      throw CommandError.interrupted(
        step: trainer.stepCount, path: course.checkpoints.path(step: trainer.stepCount))
    }
    return summary
  }

  private static func save(
    _ folder: ModelFolder, _ plan: TrainingPlan, to output: String, merged: Bool
  ) throws -> String {
    if !plan.isFull, !merged {
      let adapter = try folder.model.adapter("default")
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

  private static func trainableCount(_ model: CausalLM, _ plan: TrainingPlan) -> Int {
    plan.isFull
      ? model.parameterCount() : (try? model.adapter("default").parameterCount) ?? 0
  }
}
