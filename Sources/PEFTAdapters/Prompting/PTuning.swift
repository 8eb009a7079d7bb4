import PEFTTensor
public import PEFTTransformer

/// P-tuning: the embeddings before those of the tokens are the output of a small network over P trained ones; the base is frozen.
///
/// "GPT Understands, Too" (arXiv 2103.10385), as in Hugging Face PEFT: the network is a perceptron of three layers with ReLU, or a
/// bidirectional LSTM with a perceptron of two layers behind it. What it makes stands before the tokens as in `PromptTuning`, and
/// it runs once in every forward pass, over P places only.
///
/// Folders have the embeddings that the network makes, as in PEFT. The network is kept in a second file beside them, which PEFT does not
/// read, so that a training can go on; a folder without it, as PEFT writes it, is trained as in `PromptTuning`. For P-tuning v2 see
/// `PrefixTuning`.
public struct PTuning: VirtualTokenMethod, Hashable {
  /// `P_TUNING`.
  public static let type = "P_TUNING"

  /// P.
  public var virtualTokens: Int
  /// What the network is (`encoder_reparameterization_type`).
  public var encoder: Encoder
  /// The width of its hidden layers (`encoder_hidden_size`); nil for that of the model.
  public var encoderHiddenSize: Int?
  /// How many layers the LSTM has (`encoder_num_layers`); a perceptron always has three.
  public var encoderLayers = 2
  /// The probability of an element between two layers of the LSTM to be dropped in training (`encoder_dropout`).
  public var encoderDropout: Float = 0
  /// Chooses the random numbers of the start.
  public var seed: UInt64 = 0
  /// The ends of the paths of modules that are trained as a whole, as the head of a classifier.
  public var modulesToSave: [String] = []
  /// Whether the network is there; the files of PEFT do not have it.
  var hasEncoder = true

  /// The kinds of network.
  public enum Encoder: String, Sendable, Hashable {
    /// A perceptron; the default of PEFT.
    case mlp = "MLP"
    /// A bidirectional LSTM and a perceptron, as in the paper.
    case lstm = "LSTM"
  }

  /// Settings; the others have defaults that can be set afterwards.
  public init(virtualTokens: Int = 20, encoder: Encoder = .mlp) {
    (self.virtualTokens, self.encoder) = (virtualTokens, encoder)
  }

  /// A decoder or an encoder.
  public func adapts(_ module: any Module) -> Bool { module is any PromptTarget }

  /// Refuses numbers out of range.
  public func checkSettings() throws(AdapterError) {
    try VirtualTokenSettings.check(virtualTokens, hiddenSize: encoderHiddenSize)
    if !(1...64).contains(encoderLayers) {
      throw .invalidSetting(
        "encoder_num_layers", expected: "a number from 1 to 64", found: "\(encoderLayers)")
    }
    if !(encoderDropout >= 0 && encoderDropout < 1) {
      throw .invalidSetting(
        "encoder_dropout", expected: "a probability below 1", found: "\(encoderDropout)")
    }
  }

  /// The prompt of a decoder or an encoder.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    try PromptLayer.blueprint(site, virtualTokens, make: encode)
  }

  /// The network, by the names that its parts have in PEFT, and what it makes.
  public func sharedTensors(
    _ sites: [AdapterSite], _ host: any AdapterHost
  ) throws(AdapterError) -> TensorsBlueprint? {
    try VirtualTokenSettings.checkPositions(virtualTokens, host)
    guard let stack = sites.first?.module as? any PromptTarget else { return nil }
    let shape = [virtualTokens, stack.width]
    guard hasEncoder else {
      return TensorsBlueprint([.init(PromptLayer.name, shape)]) { generator in
        [PromptLayer.name: Tensor(normal: 1, shape: shape, using: &generator)]
      }
    }
    let parts = encoderParts(width: shape[1])
    var entries: [TensorsBlueprint.Entry] = [
      .init(PromptLayer.name, shape, .kept), .init(Self.start, shape, .hidden),
    ]
    entries += parts.map { .init($0.name, $0.shape, .hidden) }
    return TensorsBlueprint(entries) { generator in
      var values = [Self.start: Tensor(normal: 1, shape: shape, using: &generator)]
      for part in parts {
        let bound = 1 / Float(part.fan).squareRoot()
        values[part.name] = Tensor(
          uniform: -bound..<bound, shape: part.shape, using: &generator)
      }
      values[PromptLayer.name] = withoutGradients { encode(values, nil) }
      return values
    }
  }
}
