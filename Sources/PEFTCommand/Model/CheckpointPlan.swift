import PEFTTraining
import PEFTTransformer

/// When `peft train` writes checkpoints, and where it goes on from.
struct CheckpointPlan {
  /// The folder of the checkpoints.
  let checkpoints: TrainingCheckpoints
  /// The steps between two checkpoints; nil for none.
  let interval: Int?
  /// Where the training goes on; nil for the beginning.
  let start: TrainingCheckpoint?
  /// What a continued training must have in common with this one.
  private let settings: [String: String]

  /// The options from which it is read.
  static let options: [Option] = [
    Option(
      "checkpoint-every", "N",
      "Steps between two checkpoints, folders checkpoint-N in the output, from which --resume goes on; "
        + "an interrupt or SIGTERM then ends the training after a checkpoint."),
    Option(
      "keep-checkpoints", "N", default: "2",
      "How many of the newest stay, and the one with the best evaluation."),
    Option(
      switch: "resume",
      "Go on after the last whole checkpoint in the output, to the same bytes as without the interruption. "
        + "Settings that are not given are those of the checkpoint."),
  ]

  /// What says nothing about the course of a training.
  private static let unrecorded: Set = ["output", "json", "config", "resume"]
  /// What may be different when a training goes on.
  private static let free: Set = [
    "evaluation", "evaluate-every", "checkpoint-every", "keep-checkpoints",
    "checkpoint-activations", "log", "sample-every", "sample-prompt", "sample-tokens",
  ]
  /// Where the checksum of the data stands among the settings; no option has such a name.
  private static let dataSum = "data (checksum)"

  /// Reads the options, and fills in those that the checkpoint has.
  ///
  /// - Parameter arguments: those of the command line, afterwards those of the training.
  /// - Throws: `CommandError` where a setting is another than before, and what is wrong with the checkpoints where all are damaged.
  init(_ arguments: inout Arguments) throws {
    let output = try arguments.required("output")
    let keeping = try arguments.integer("keep-checkpoints", in: 1...1_000_000)
    var checkpoints = TrainingCheckpoints(output, keeping: keeping ?? 2)
    start = try Self.start(checkpoints, arguments)
    if let start { try Self.adopt(start, &arguments) }
    if let keeping = try arguments.integer("keep-checkpoints", in: 1...1_000_000) {
      checkpoints = TrainingCheckpoints(output, keeping: keeping)
    }
    self.checkpoints = checkpoints
    interval = try arguments.integer("checkpoint-every", in: 1...1_000_000_000)
    if arguments.has("keep-checkpoints"), interval == nil {
      throw CommandError.missingOption("checkpoint-every")
    }
    var settings = arguments.written.filter { !Self.unrecorded.contains($0.key) }
    // Where the data cannot be read, whoever reads them says so.
    let sum = try? DataChecksum.text(
      arguments.required("data"), for: ModelTask.read(arguments))
    settings[Self.dataSum] = sum
    if let start, sum != nil {
      try Self.compare(Self.dataSum, start.settings[Self.dataSum], settings[Self.dataSum], start)
    }
    self.settings = settings
  }

  /// Writes a checkpoint where it is time for one.
  ///
  /// - Parameters:
  ///   - trainer: has just taken a step.
  ///   - isLast: whether no other step follows in this run.
  ///   - more: writes what belongs to the adapter besides.
  /// - Throws: what keeps the checkpoint from being written.
  func save<Model: TrainableModel & AdapterHost>(
    _ trainer: Trainer<Model>, isLast: Bool, besides more: (_ folder: String) throws -> Void
  ) throws {
    guard let interval, isLast || trainer.stepCount % interval == 0 else { return }
    try checkpoints.save(trainer, settings: settings, besides: more)
  }

  /// Writes a checkpoint of what was just evaluated as the best so far.
  func saveBest<Model: TrainableModel & AdapterHost>(
    _ trainer: Trainer<Model>, besides more: (_ folder: String) throws -> Void
  ) throws {
    try checkpoints.saveBest(trainer, settings: settings, besides: more)
  }

  private static func start(
    _ checkpoints: TrainingCheckpoints, _ arguments: Arguments
  ) throws -> TrainingCheckpoint? {
    guard arguments.isOn("resume") else {
      guard let step = checkpoints.steps.last else { return nil }
      throw CommandError.unusable(
        path: checkpoints.folder,
        reason: "holds a training of \(step) steps; go on with --resume, or choose another folder")
    }
    let (checkpoint, damaged) = try checkpoints.latest()
    for error in damaged { Console.error("passed over: \(error)") }
    Console.print(
      checkpoint.map { "going on after step \($0.step), \($0.path)" }
        ?? "no checkpoint in \(checkpoints.folder) yet: starting from the beginning")
    return checkpoint
  }

  /// Takes over the settings of a checkpoint; those that are given must be the same.
  private static func adopt(_ start: TrainingCheckpoint, _ arguments: inout Arguments) throws {
    let given = arguments.written.filter { !unrecorded.contains($0.key) }
    for name in Set(given.keys).union(start.settings.keys).sorted() where name != dataSum {
      if free.contains(name) {
        if given[name] != nil { continue }
      } else if let now = given[name] {
        try compare(name, start.settings[name], now, start)
      }
      if let value = start.settings[name] { try arguments.fill(name, value) }
    }
  }

  private static func compare(
    _ name: String, _ before: String?, _ now: String?, _ start: TrainingCheckpoint
  ) throws(CommandError) {
    if before == now { return }
    let words = { (value: String?) in value.map { "\"\($0)\"" } ?? "not given" }
    throw .unusable(
      path: start.path,
      reason: "was made with \(name) \(words(before)), now it is \(words(now)); "
        + "a training goes on with the settings it began with")
  }
}
