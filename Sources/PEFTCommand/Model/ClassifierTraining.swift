import PEFTAdapters
import PEFTJSON
import PEFTTensor
import PEFTTraining
import PEFTTransformer

/// `peft train` of a classifier.
struct ClassifierTraining<Folder: CommandClassifier> {
  private let arguments: Arguments
  private let session: TrainingSession
  private let stream: StreamPlan?
  private var plan: TrainingPlan { session.plan }

  init(_ arguments: Arguments, _ session: TrainingSession) throws(CommandError) {
    (self.arguments, self.session) = (arguments, session)
    stream = try StreamPlan(arguments, session.plan)
    for name in ["sample-every", "sample-prompt", "sample-tokens"] where arguments.has(name) {
      throw .conflict("task \(Folder.task.rawValue)", name)
    }
    if case .plain = plan.start { return }
    throw .conflict("task \(Folder.task.rawValue)", "method \(plan.methodName)")
  }

  /// Attaches, trains, measures before and after, and writes the adapter or the model.
  func run(_ data: String) throws {
    var session = session
    let (output, path) = (session.output, try ModelFolder.path(arguments))
    let isModel = plan.isFull || arguments.isOn("merged")
    let content: OutputFolder.Content =
      isModel ? .model(tokenizer: ModelFolder.tokenizerFiles(in: path)) : .adapter
    try OutputFolder.refuse(output, sameAs: path)
    if session.ranks.isFirst { try OutputFolder.check(output, for: content) }
    let folder = try Folder(
      arguments, data: data, DataOptions(arguments),
      precision: AdapterPreset.named(plan.methodName)?.precision, seed: plan.seed)
    let model = folder.model
    Console.print("classes: \(model.configuration.labels.joined(separator: ", "))")
    session.besides = { try ClassLabels.write(model.configuration.labels, to: $0) }
    let batches = try folder.batches(data, plan, stream)
    try session.prepare(model, merged: arguments.isOn("merged")) {
      if let adapter = arguments.string("adapter") {
        try ModelFolder.loadAdapter(adapter, onto: model, isTrainable: true)
      } else if let method = plan.method {
        Console.print(try method.plan(model).table)
        try model.attach(method)
        let new = model.origin?.newModules ?? []
        if !new.isEmpty {
          Console.print(
            "new above the base, trained as a whole and saved: \(new.joined(separator: ", "))")
        }
      }
    }
    let held = try arguments.string("evaluation").map {
      try folder.heldOut($0, maximumLength: plan.maximumLength).batches
    }
    try session.prepareOutput(content)
    let before =
      session.course.start == nil && session.ranks.isFirst
      ? try held.map { try folder.quality($0) } : nil
    show(before, "before")
    let outcome = try session.train(
      model, batches, evaluation: held, before: before.map { ($0.loss, $0.count) })
    guard session.ranks.isFirst else { return try session.ranks.finish() }
    let measured = Result { try held.map { try folder.quality($0) } }
    let saved = try save(folder, isModel: isModel)
    Console.print("saved in \(saved)")
    // What was trained is saved also where it cannot be measured.
    let after = try measured.get()
    try outcome.logs.writeResult(
      step: outcome.savedStep, before: before?.loss, after: after?.loss, model)
    show(after, "after")
    if arguments.isOn("json") {
      Console.result(
        [
          .init("output", .string(saved)),
          .init("labels", .array(model.configuration.labels.map(JSON.string))),
        ] + session.result(model, outcome) + [
          .init("before", number(before?.accuracy)), .init("after", number(after?.accuracy)),
          .init("loss_before", number(before?.loss)), .init("loss_after", number(after?.loss)),
        ])
    }
    try session.ranks.finish()
  }

  private func show(_ quality: ClassificationQuality?, _ when: String) {
    guard let quality else { return }
    Console.print(
      "held-out accuracy \(when): \((100 * quality.accuracy).rounded(digits: 2)) %, loss "
        + "\(quality.loss.rounded(digits: 4)) nats")
  }

  private func save(_ folder: Folder, isModel: Bool) throws -> String {
    let output = session.output
    if !isModel {
      let saved = try folder.model.adapter("default").save(to: output)
      try ClassLabels.write(folder.model.configuration.labels, to: output)
      return saved
    }
    if !plan.isFull { try folder.model.merge() }
    try folder.model.save(to: output)
    try ModelFolder.copyTokenizer(from: folder.path, to: output)
    return output
  }

  private func number(_ value: Double?) -> JSON { value.map(JSON.number) ?? .null }
}
