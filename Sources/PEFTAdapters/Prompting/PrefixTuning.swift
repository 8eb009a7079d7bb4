public import PEFTTensor
public import PEFTTransformer

/// Prefix-tuning: in every layer, P trained keys and values stand before those of the tokens; the base is frozen.
///
/// "Prefix-Tuning: Optimizing Continuous Prompts for Generation" (arXiv 2101.00190). With `isProjected`, the table `[P, 2 L G K]` of all
/// keys and values is the output of a map of two layers, `tanh(E W1^T + b1) W2^T + b2` with E `[P, G K]`, which trains more
/// steadily; without it the table itself is trained, which is P-tuning v2 (arXiv 2110.07602) and the default here as in Hugging Face PEFT.
///
/// The prefix carries no rotation, the first token stands at position P, and a sliding window counts the prefix; all as in
/// PEFT. A query costs 4 K flops more for each of the P keys in each head. A prefix of zeros is not the identity: it still takes a
/// share of the attention. No weight can hold a prefix, so that it cannot be merged.
///
/// Folders have the table, as in PEFT. The map is kept in a second file beside it, which PEFT does not read, so that a training can go on; a
/// projected prefix that comes without it, as PEFT writes it, is trained as a table.
public struct PrefixTuning: VirtualTokenMethod, Hashable {
  /// `PREFIX_TUNING`.
  public static let type = "PREFIX_TUNING"

  /// P.
  public var virtualTokens: Int
  /// Whether the table is the output of a map with a hidden layer (`prefix_projection`).
  public var isProjected = false
  /// The width of the hidden layer (`encoder_hidden_size`); nil for that of the keys of a layer.
  public var encoderHiddenSize: Int?
  /// How the prefix starts.
  public var initialization = Initialization.random
  /// Chooses the random numbers of the start.
  public var seed: UInt64 = 0
  /// The ends of the paths of modules that are trained as a whole, as the head of a classifier.
  public var modulesToSave: [String] = []
  /// Whether the map is there; the files of PEFT do not have it.
  var hasEncoder = true

  /// How a prefix starts.
  public enum Initialization: Sendable, Hashable {
    /// A standard normal, or with the map PyTorch's default for its layers: what PEFT does where `init_weights` is null.
    case random
    /// Zeros, or zeros in the last layer of the map.
    case zero
    /// The keys and values that the base computes for these tokens, P in all: the adapter starts as the base with this
    /// text before every sequence. Not with the map.
    case text([Int32])
  }

  /// Settings; the others have defaults that can be set afterwards.
  public init(virtualTokens: Int = 20, isProjected: Bool = false) {
    (self.virtualTokens, self.isProjected) = (virtualTokens, isProjected)
  }

  /// A prefix that starts as the keys and values of a text, which usually trains best.
  public init(text: [Int32]) {
    self.init(virtualTokens: text.count)
    initialization = .text(text)
  }

  /// Every attention.
  public func adapts(_ module: any Module) -> Bool { module is SelfAttention }

  /// Refuses numbers out of range, and a text that cannot be the start.
  public func checkSettings() throws(AdapterError) {
    try VirtualTokenSettings.check(virtualTokens, hiddenSize: encoderHiddenSize)
    guard case .text(let tokens) = initialization else { return }
    if tokens.count != virtualTokens {
      throw .invalidSetting(
        "num_virtual_tokens", expected: "\(tokens.count), one for each token of the text",
        found: "\(virtualTokens)")
    }
    if isProjected {
      throw .invalidSetting(
        "prefix_projection",
        expected: "false with a text, whose keys and values are no output of the map",
        found: "true")
    }
  }

  /// The prefix of one attention.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let attention = site.module as? SelfAttention else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); a prefix stands before an attention")
    }
    let (layer, width) = (attention.layer, attention.groups * attention.headWidth)
    return LayerBlueprint(TensorsBlueprint([]) { _ in [:] }) {
      PrefixLayer($0, columns: 2 * layer * width..<(2 * layer + 2) * width)
    }
  }

  /// Whether a map makes the table.
  var trainsEncoder: Bool { isProjected && hasEncoder }
}

/// The prefix of one attention.
public final class PrefixLayer: AttentionAdapterLayer {
  private let parameters: [String: Parameter]
  private let columns: Range<Int>

  /// A layer whose keys and then values are these columns of the table.
  init(_ parameters: [String: Parameter], columns: Range<Int>) {
    (self.parameters, self.columns) = (parameters, columns)
  }

  /// P.
  public var prefixLength: Int { parameters[PrefixTuning.table]?.shape[0] ?? 0 }

  /// The keys and values of this layer.
  ///
  /// The hidden layer of the map is computed again in every layer: that costs less than a thousandth of a training step, and a
  /// layer whose activations are computed again needs no other's.
  public func prefix(_ context: ForwardContext) -> (keys: Tensor, values: Tensor)? {
    let own = PrefixTuning.project(parameters.mapValues(\.tensor), columns)
    let width = columns.count / 2
    return (own.columns(0..<width), own.columns(width..<2 * width))
  }
}
