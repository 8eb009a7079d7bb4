public import PEFTTensor
public import PEFTTransformer

/// Prompt tuning: P trained embeddings stand before those of the tokens; the base is frozen.
///
/// "The Power of Scale for Parameter-Efficient Prompt Tuning" (arXiv 2104.08691), with the settings and defaults of Hugging Face
/// PEFT. The model runs over P places more for every sequence: they take the first positions, have no labels, and give no logits,
/// but the first token is predicted from the last of them. In a classifier, as in PEFT, the first of them is what the head reads. No weight can hold a prompt, so that it cannot be merged.
public struct PromptTuning: VirtualTokenMethod, Hashable {
  /// `PROMPT_TUNING`.
  public static let type = "PROMPT_TUNING"

  /// P.
  public var virtualTokens: Int
  /// How the prompt starts.
  public var initialization = Initialization.random
  /// Chooses the random numbers of the start.
  public var seed: UInt64 = 0
  /// The ends of the paths of modules that are trained as a whole, as the head of a classifier.
  public var modulesToSave: [String] = []

  /// How a prompt starts.
  public enum Initialization: Sendable, Hashable {
    /// A standard normal (`RANDOM`), the default of PEFT; far larger than the embeddings of most models.
    case random
    /// The embeddings of tokens drawn from the vocabulary (`SAMPLE_VOCAB`).
    case vocabulary
    /// The embeddings of a text, repeated or cut to P tokens (`TEXT`).
    ///
    /// A folder says `RANDOM` then: PEFT asks for the text itself and for a tokenizer there, of which nothing is known here.
    case text([Int32])
  }

  /// Settings; the others have defaults that can be set afterwards.
  public init(virtualTokens: Int = 20, initialization: Initialization = .random) {
    (self.virtualTokens, self.initialization) = (virtualTokens, initialization)
  }

  /// A decoder or an encoder.
  public func adapts(_ module: any Module) -> Bool { module is any PromptTarget }

  /// Refuses numbers out of range, and an empty text.
  public func checkSettings() throws(AdapterError) {
    try VirtualTokenSettings.check(virtualTokens)
    if initialization == .text([]) {
      throw .invalidSetting("initialization", expected: "a text of tokens", found: "an empty one")
    }
  }

  /// The prompt of a decoder or an encoder.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    try PromptLayer.blueprint(site, virtualTokens) { tensors, _ in
      PromptLayer.table(tensors)
    }
  }

  /// The prompt, `[P, D]`.
  public func sharedTensors(
    _ sites: [AdapterSite], _ host: any AdapterHost
  ) throws(AdapterError) -> TensorsBlueprint? {
    try VirtualTokenSettings.checkPositions(virtualTokens, host)
    guard let stack = sites.first?.module as? any PromptTarget else { return nil }
    let embedding = stack.vocabulary
    let (size, shape) = (embedding?.weight.shape[0] ?? 0, [virtualTokens, stack.width])
    guard initialization == .random || embedding != nil else {
      throw .invalidSetting(
        "initialization", expected: "random, since the model has no vocabulary",
        found: "\(initialization)")
    }
    if case .text(let tokens) = initialization,
      let wrong = tokens.first(where: { !(0..<size).contains(Int($0)) })
    {
      throw .invalidSetting(
        "initialization", expected: "tokens below \(size)", found: "token \(wrong)")
    }
    return TensorsBlueprint([.init(PromptLayer.name, shape)]) { generator in
      let ids: [Int32] =
        switch initialization {
        case .random: []
        case .vocabulary:
          (0..<virtualTokens).map { _ in Int32(generator.next() % UInt64(size)) }
        case .text(let tokens): (0..<virtualTokens).map { tokens[$0 % tokens.count] }
        }
      let table = embedding.flatMap { embedding in
        ids.isEmpty
          ? nil
          : withoutGradients { embedding.weight.value.rows(at: Indices(ids)) * embedding.scale }
      }
      return [PromptLayer.name: table ?? Tensor(normal: 1, shape: shape, using: &generator)]
    }
  }
}

/// The prompt of a decoder or an encoder.
public final class PromptLayer: PromptAdapterLayer {
  /// The name of the prompt in files.
  static let name = "prompt_embeddings"

  /// P.
  public let promptLength: Int
  private let parameters: [String: Parameter]
  private let make: ([String: Tensor], DropoutKeys?) -> Tensor

  private init(
    _ parameters: [String: Parameter], _ length: Int,
    _ make: @escaping ([String: Tensor], DropoutKeys?) -> Tensor
  ) {
    (self.parameters, promptLength, self.make) = (parameters, length, make)
  }

  /// The embeddings, `[P, D]`.
  public func prompt(_ context: ForwardContext) -> Tensor {
    make(parameters.mapValues(\.tensor), context.dropout)
  }

  /// A layer whose prompt `make` computes from the tensors.
  static func blueprint(
    _ site: AdapterSite, _ length: Int,
    make: @escaping ([String: Tensor], DropoutKeys?) -> Tensor
  ) throws(AdapterError) -> LayerBlueprint {
    guard site.module is any PromptTarget else {
      throw .notAdaptable(
        module: site.path,
        reason:
          "it is a \(Swift.type(of: site.module)); a prompt stands before a decoder or an encoder")
    }
    return LayerBlueprint(TensorsBlueprint([]) { _ in [:] }) { PromptLayer($0, length, make) }
  }

  /// The stored prompt.
  static func table(_ tensors: [String: Tensor]) -> Tensor {
    guard let table = tensors[name] else { preconditionFailure("PromptLayer: no \(name)") }
    return table
  }
}
