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

  /// The time of a step, in seconds: the least median of the timings, or else of the seeds; nil where there is none.
  ///
  /// Whatever else runs can only add to it.
  var leastStepSeconds: Double? {
    (timings.isEmpty ? stepSeconds : timings.map(\.step)).min()
  }

  /// The least time of a step over the least of LoRA's in turn with it; nil where it was not measured.
  var timeOverLoRA: Double? {
    guard let step = timings.map(\.step).min(), let lora = timings.map(\.lora).min() else {
      return nil
    }
    return step / lora
  }

  /// Whether the adapter was merged.
  var isMergeable: Bool {
    if case .done = merging { true } else { false }
  }
}
