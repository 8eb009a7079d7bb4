import PEFTAdapters
import PEFTTraining
import PEFTTransformer

/// How `peft train` trains, read from its options.
struct TrainingPlan {
  /// What changes the parameters.
  enum OptimizerName: String, CaseIterable { case adamw, adamw8bit, sgd }
  /// Where the optimiser keeps what it remembers.
  enum StatePlace: String, CaseIterable { case memory, mapped }

  /// `full` for every weight, or the method of the adapter.
  let methodName: String
  /// The settings of the adapter; nil for every weight, and where an adapter is trained further.
  let method: (any AdapterMethod)?
  /// What is done with the base and some rows when the method is attached.
  let start: AdapterStart
  /// How many rows that looks at.
  let startRows: Int
  let loRAPlusRatio: Double?
  let optimizer: OptimizerName
  let optimizerState: StatePlace
  let learningRate: Double
  let momentum: Double
  let weightDecay: Double
  let schedule: Schedule
  let settings: TrainerSettings
  let batchSize: Int
  let maximumLength: Int
  let order: BatchOrder
  let groupsLengths: Bool
  let seed: UInt64

  /// The options from which a plan is read.
  static let options: [Option] = [
    Option(
      "method", "NAME", default: "lora",
      "What is trained: \(AdapterChoice.names.joined(separator: ", ")); or full for all weights."),
    Option(
      repeatable: "set", "NAME=VALUE",
      "A field of the method's adapter_config.json that no option stands for; can be repeated."),
    Option("rank", "R", default: "8, or the method's", "The rank of the adapters."),
    Option(
      "alpha", "A", default: "16, or the method's", "The adapters are scaled by A / R."),
    Option("dropout", "P", default: "0", "Dropout on the input of the adapters."),
    Option(
      "targets", "WHICH", default: "attention",
      "attention, all-linear, names of modules between commas, or a regular expression for whole paths."
    ),
    Option("exclude", "WHICH", "Modules that are left out: names or a regular expression."),
    Option("layers", "LIST", "Only layers with these numbers."),
    Option("layers-pattern", "LIST", "The names that stand before the number of a layer."),
    Option(
      "rank-pattern", "LIST",
      "Other ranks: PATTERN=R between commas, a pattern for the end of a path."),
    Option("alpha-pattern", "LIST", "Other alphas: PATTERN=A between commas."),
    Option(
      "init", "NAME", default: "kaiming",
      "How adapters start: kaiming, gaussian, random, or another word that the method knows."),
    Option(switch: "rslora", "Scale by A / sqrt(R)."),
    Option(
      "start-rows", "N", default: "\(defaultStartRows)",
      "From how many rows of the data eva, lora-ga, fish-mask and gps find their start."),
    Option("bias", "WHICH", default: "none", "Biases to train: none, all or lora_only."),
    Option(switch: "lora-bias", "Give the second matrix of each adapter a bias."),
    Option("modules-to-save", "LIST", "Modules that are trained whole and saved with the adapter."),
    Option(
      "lora-plus-ratio", "X", "How much faster the second matrices learn than the first (LoRA+)."),
    Option(
      "optimizer", "NAME", default: "adamw",
      "adamw, adamw8bit (a quarter of its memory) or sgd."),
    Option(
      "optimizer-state", "PLACE", default: "memory",
      "memory, or mapped: a file on the output's disk that is gone afterwards, for less memory and the same result."
    ),
    Option("momentum", "X", default: "0.9", "The momentum of sgd."),
    Option("learning-rate", "X", default: "0.0002", "The learning rate at its highest."),
    Option("schedule", "NAME", default: "linear", "constant, linear or cosine."),
    Option("warmup", "N", default: "0", "Steps in which the learning rate rises."),
    Option("weight-decay", "X", default: "0.01", "How fast weights shrink by themselves."),
    Option("clip", "X", default: "1", "The largest norm of the gradients; 0 for no limit."),
    Option("steps", "N", "How many optimiser steps."),
    Option("epochs", "N", default: "3", "How many passes over the data, in place of steps."),
    Option("batch", "N", default: "8", "Rows in a batch."),
    Option("accumulation", "N", default: "1", "Batches in a step."),
    Option("max-length", "N", default: "512", "Every row is cut to N tokens."),
    Option("evaluate-every", "N", default: "at the end", "Steps between two evaluations."),
    Option(switch: "in-order", "Take rows as they stand in the file; otherwise they are shuffled."),
    Option("seed", "N", default: "0", "Starts all random numbers."),
  ]

  /// Reads the options.
  init(_ arguments: Arguments) throws(CommandError) {
    methodName = arguments.string("method") ?? "lora"
    seed = try arguments.seed()
    optimizer = try arguments.choice("optimizer") ?? .adamw
    optimizerState = try arguments.choice("optimizer-state") ?? .memory
    learningRate = try arguments.number("learning-rate", in: 1e-12...1e3) ?? 2e-4
    momentum = try arguments.number("momentum", in: 0...0.9999) ?? 0.9
    weightDecay = try arguments.number("weight-decay", in: 0...1e3) ?? 0.01
    schedule = Schedule(
      try arguments.choice("schedule") ?? .linear, warmup: try arguments.integer("warmup") ?? 0)
    batchSize = try arguments.integer("batch", in: 1...1_000_000) ?? 8
    maximumLength = try arguments.integer("max-length", in: 2...1_000_000) ?? 512
    order = arguments.isOn("in-order") ? .given : .shuffled(seed: seed)
    groupsLengths = !arguments.isOn("in-order")
    loRAPlusRatio =
      try arguments.number("lora-plus-ratio", in: 1...1e6) ?? AdapterPreset.named(methodName)?.ratio
    settings = try Self.settings(arguments)
    let isFull = methodName == "full"
    if isFull {
      for name in AdapterFields.options + [
        "set", "lora-plus-ratio", "merged", "adapter", "start-rows",
      ]
      where arguments.has(name) { throw .conflict("method full", name) }
    }
    // The adapter's own settings hold; only how it is trained can be chosen.
    if arguments.has("adapter") {
      for name in AdapterFields.options + ["set", "method", "start-rows"] where arguments.has(name)
      {
        throw .conflict("adapter", name)
      }
    }
    if isFull || arguments.has("adapter") {
      (method, start) = (nil, .plain)
    } else {
      let choice = try AdapterChoice.read(methodName, arguments, seed: seed)
      (method, start) = (choice.method, choice.start)
    }
    startRows =
      try arguments.integer("start-rows", in: 1...1_000_000) ?? Self.defaultStartRows
    if arguments.has("start-rows"), !start.needsRows {
      throw .idleOption("start-rows", method: methodName)
    }
    if arguments.has("momentum"), optimizer != .sgd {
      throw .conflict("momentum", optimizer.rawValue)
    }
    if arguments.has("evaluate-every"), !arguments.has("evaluation") {
      throw .missingOption("evaluation")
    }
  }

  private static func settings(_ arguments: Arguments) throws(CommandError) -> TrainerSettings {
    let steps = try arguments.integer("steps", in: 1...1_000_000_000)
    let epochs = try arguments.integer("epochs", in: 1...1_000_000)
    if steps != nil, epochs != nil { throw .conflict("steps", "epochs") }
    let clip = try arguments.number("clip", in: 0...1e9) ?? 1
    return TrainerSettings(
      duration: steps.map { .steps($0) } ?? .epochs(epochs ?? 3),
      accumulation: try arguments.integer("accumulation", in: 1...1_000_000) ?? 1,
      maximumGradientNorm: clip > 0 ? clip : nil,
      evaluationInterval: try arguments.integer("evaluate-every", in: 1...Int.max))
  }
}

extension TrainingPlan {
  /// Whether every weight is trained.
  var isFull: Bool { methodName == "full" }

  /// The optimiser for what is trainable in a model.
  ///
  /// - Parameters:
  ///   - model: what is trained.
  ///   - folder: where a file for its state may lie.
  /// - Returns: the optimiser, with its state where it was asked for.
  /// - Throws: `TrainingError` where the file for the state cannot be made.
  func makeOptimizer(
    _ model: some Module, folder: String
  ) throws(TrainingError) -> any Optimizer {
    let optimizer = makeOptimizer(model)
    if optimizerState == .mapped { try optimizer.mapState(in: folder) }
    return optimizer
  }

  private func makeOptimizer(_ model: some Module) -> any MappableOptimizer {
    let parameters = model.parameters(.trainable)
    let groups =
      loRAPlusRatio.map {
        ParameterGroup.loRAPlus(
          parameters, learningRate: learningRate, ratio: $0, weightDecay: weightDecay)
      } ?? [ParameterGroup(parameters)]
    switch optimizer {
    case .adamw:
      return AdamW(groups, learningRate: learningRate, weightDecay: weightDecay)
    case .adamw8bit:
      return AdamW8bit(groups, learningRate: learningRate, weightDecay: weightDecay)
    case .sgd:
      return SGD(
        groups, learningRate: learningRate, momentum: momentum, weightDecay: weightDecay)
    }
  }
}
