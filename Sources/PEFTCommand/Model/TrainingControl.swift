import PEFTAdapters
import PEFTTraining
import PEFTTransformer

/// What `peft train` does beside its steps: when it ends, which weights it keeps, and what changes on the way.
struct TrainingControl {
  /// A change of a hyperparameter.
  private struct Change {
    /// After how many steps.
    let step: Int
    let name: Name
    let value: Double

    enum Name: String, CaseIterable { case learningRate = "learning-rate", clip, neftune }
  }

  private let earlyStopping: EarlyStopping?
  /// Whether the weights of the best evaluation are saved in place of the last ones.
  let keepsBest: Bool
  private let average: WeightAverage.Kind?
  private let noise: Double?
  private let changes: [Change]
  private let reaction: StepAnomaly.Reaction?
  private let threshold: Double

  /// The options from which it is read.
  static let options: [Option] = [
    Option(
      "patience", "N",
      "End the training after N evaluations in a row that are no better than the best before them."),
    Option(
      "minimum-improvement", "X", default: "0",
      "By how much a held-out loss must be smaller than the best one to count as better for --patience."
    ),
    Option(
      switch: "keep-best",
      "Save the weights with the smallest held-out loss, which stay in checkpoint-best of the output, "
        + "in place of the last ones."),
    Option(
      "average-decay", "X",
      "Evaluate and save the exponential average of the weights, in which those of a step earlier count X times as much; "
        + "0.99 is the mean of about 100 steps."),
    Option(
      "average-last", "N", "Evaluate and save the mean of the weights after the last N steps."),
    Option(
      "neftune", "X", default: "0",
      "Noise on the embeddings while training, uniform within X / sqrt(tokens x width) (NEFTune); 5 is usual."
    ),
    Option(
      "anomalies", "WHAT",
      "Look for steps whose loss or gradient is far above the last ones: stop, skip or note them. Their batches are written to "
        + "anomaly-N.json in the output, as that of a loss that is not finite always is."),
    Option(
      "anomaly-threshold", "X", default: "6",
      "How many deviations above the mean of the last 50 steps is far."),
    Option(
      repeatable: "change", "STEP:NAME=VALUE",
      "Set learning-rate, clip or neftune after so many steps; can be repeated."),
  ]

  /// Reads the options.
  init(_ arguments: Arguments) throws(CommandError) {
    let patience = try arguments.integer("patience", in: 1...1_000_000)
    let improvement = try arguments.number("minimum-improvement", in: 0...1e9)
    if improvement != nil, patience == nil { throw .missingOption("patience") }
    earlyStopping = patience.map {
      EarlyStopping(patience: $0, minimumImprovement: improvement ?? 0)
    }
    keepsBest = arguments.isOn("keep-best")
    if patience != nil || keepsBest, !arguments.has("evaluate-every") {
      throw .missingOption("evaluate-every")
    }
    let decay = try arguments.number("average-decay", in: 0...0.999_999_9)
    let last = try arguments.integer("average-last", in: 1...1_000_000)
    if decay != nil, last != nil { throw .conflict("average-decay", "average-last") }
    average = decay.map { .exponential(decay: $0) } ?? last.map { .last($0) }
    let noise = try arguments.number("neftune", in: 0...1e6) ?? 0
    self.noise = noise > 0 ? noise : nil
    reaction = try arguments.choice("anomalies")
    threshold = try arguments.number("anomaly-threshold", in: 0.1...1e6) ?? 6
    if arguments.has("anomaly-threshold"), reaction == nil { throw .missingOption("anomalies") }
    var changes: [Change] = []
    for text in arguments.texts("change") { changes.append(try Self.change(text)) }
    self.changes = changes
  }

  private static func change(_ text: String) throws(CommandError) -> Change {
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    let sides = parts.last?.split(separator: "=", maxSplits: 1).map(String.init) ?? []
    guard parts.count == 2, sides.count == 2, let step = Int(parts[0]), step >= 0,
      let name = Change.Name(rawValue: sides[0]), let value = Double(sides[1]), value >= 0,
      value <= 1e9
    else {
      throw .invalidValue(
        option: "change", value: text,
        expected: "STEP:NAME=VALUE, of which the name is "
          + Change.Name.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return Change(step: step, name: name, value: value)
  }

  /// Tells a trainer that has taken no step.
  ///
  /// - Parameters:
  ///   - trainer: of the training.
  ///   - plan: what is trained.
  ///   - output: the folder where batches of anomalies are put.
  /// - Throws: `CommandError.conflict` where the method changes what an average would be of.
  func prepare<Model: TrainableModel & AdapterHost>(
    _ trainer: Trainer<Model>, _ plan: TrainingPlan, output: String
  ) throws(CommandError) {
    let detector = reaction.map { _ in SpikeDetector(threshold: threshold) }
    trainer.anomalyWatch = AnomalyWatch(
      reaction ?? .stop, folder: output, losses: detector, gradientNorms: detector)
    trainer.earlyStopping = earlyStopping
    trainer.model.embeddingNoise = noise
    if let average {
      if (try? trainer.model.adapter("default"))?.controller != nil {
        throw .conflict(
          "method \(plan.methodName)", average.isExponential ? "average-decay" : "average-last")
      }
      trainer.average = WeightAverage(trainer.model.parameters(.trainable), average)
    }
    if !changes.isEmpty {
      trainer.adjust = { [changes] next, values in
        for change in changes where change.step == next.step - 1 {
          switch change.name {
          case .learningRate: values.learningRate = change.value
          case .clip: values.maximumGradientNorm = change.value > 0 ? change.value : nil
          case .neftune: values.embeddingNoise = change.value > 0 ? change.value : nil
          }
        }
      }
    }
  }

  /// Puts the weights that are saved into the model.
  ///
  /// - Returns: after how many steps they stood so.
  func finish<Model: TrainableModel & AdapterHost>(
    _ trainer: Trainer<Model>, _ checkpoints: TrainingCheckpoints
  ) throws -> Int {
    if trainer.earlyStopping?.isExhausted == true {
      Console.print("ended after step \(trainer.stepCount): the held-out loss has not got better")
    }
    if keepsBest, let best = trainer.record.best, best.step != trainer.stepCount {
      try TrainingCheckpoint(checkpoints.bestPath).restore(trainer)
      Console.print(
        "the smallest held-out loss, \(best.loss.rounded(digits: 4)) nats, was that after step \(best.step)"
      )
    }
    trainer.average?.assign()
    return trainer.stepCount
  }
}

extension WeightAverage.Kind {
  fileprivate var isExponential: Bool {
    if case .exponential = self { true } else { false }
  }
}
