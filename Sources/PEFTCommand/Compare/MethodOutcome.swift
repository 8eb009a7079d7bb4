/// How a method did, over all its seeds.
struct MethodOutcome {
  /// Whether the adapter can be added to the weights of its base.
  enum Merging {
    /// It was, and the written model differs from the adapted one by at most this.
    case done(difference: Double)
    /// It cannot, and why.
    case impossible(String)
    /// There is no adapter to merge.
    case unneeded
  }

  /// A learning rate that was tried, and the loss that it led to; nil where that was not finite.
  typealias Trial = (rate: Double, loss: Double?)
  /// The median time of a step, and that of LoRA's just before, in seconds.
  typealias Timing = (step: Double, lora: Double)

  /// The method.
  let method: ComparedMethod
  /// The size that was chosen; 0 where the method has none.
  var size = 0
  /// The learning rate of the training, before the common factor.
  var rate: Double
  /// The rates that were searched; empty where none were.
  var trials: [Trial] = []
  /// How many parameters it trains.
  var trainable: Int?
  /// The bytes of the tensors that it saves.
  var adapterBytes: Int?
  /// The held-out loss of what was saved, in nats a token, for each seed.
  var losses: [Double] = []
  /// The median time of a step, in seconds, for each seed.
  var stepSeconds: [Double] = []
  /// Steps in turn with LoRA's, measured after the training; empty where they were not.
  var timings: [Timing] = []
  /// The most memory that the training process held.
  var peakBytes: Int?
  /// Whether it can be merged; nil where that was not tried.
  var merging: Merging?
  /// Why there are no figures, or fewer seeds; nil where nothing failed.
  var fault: String?
  /// How long everything took, in seconds.
  var seconds = 0.0

  init(_ method: ComparedMethod) { (self.method, rate) = (method, method.rate) }

  /// The mean of the held-out losses; nil where there are none.
  var loss: Double? {
    losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count)
  }

  /// The median time of a step, in seconds, in turn with LoRA's where that was measured; nil where there is none.
  var medianStepSeconds: Double? {
    (timings.isEmpty ? stepSeconds : timings.map(\.step)).median
  }

  /// The median of what a step takes in turn with one of LoRA's, over that; nil where it was not measured.
  var timeOverLoRA: Double? { timings.map { $0.step / $0.lora }.median }

  /// Whether the adapter was merged.
  var isMergeable: Bool {
    if case .done = merging { true } else { false }
  }
}

extension [Double] {
  /// The middle one, the upper one of two; nil where there is none.
  fileprivate var median: Double? { isEmpty ? nil : sorted()[count / 2] }
}
