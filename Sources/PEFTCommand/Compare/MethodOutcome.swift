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

  /// The method.
  let method: ComparedMethod
  /// The size that was chosen; 0 where the method has none.
  var size = 0
  /// How many parameters it trains.
  var trainable: Int?
  /// The bytes of the tensors that it saves.
  var adapterBytes: Int?
  /// The held-out loss of what was saved, in nats a token, for each seed.
  var losses: [Double] = []
  /// The mean time of a step, in seconds, for each seed.
  var stepSeconds: [Double] = []
  /// The most memory that the training process held.
  var peakBytes: Int?
  /// Whether it can be merged; nil where that was not tried.
  var merging: Merging?
  /// Why there are no figures, or fewer seeds; nil where nothing failed.
  var fault: String?
  /// How long everything took, in seconds.
  var seconds = 0.0

  init(_ method: ComparedMethod) { self.method = method }

  /// The mean of the held-out losses; nil where there are none.
  var loss: Double? {
    losses.isEmpty ? nil : losses.reduce(0, +) / Double(losses.count)
  }

  /// The median time of a step, in seconds; nil where there is none.
  var medianStepSeconds: Double? {
    stepSeconds.isEmpty ? nil : stepSeconds.sorted()[stepSeconds.count / 2]
  }

  /// Whether the adapter was merged.
  var isMergeable: Bool {
    if case .done = merging { true } else { false }
  }
}
