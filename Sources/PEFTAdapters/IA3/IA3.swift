import PEFTTensor
public import PEFTTransformer

/// Learned rescaling of activations: `y = (W x + b) * l` at keys and values, `y = W (x * l) + b` at the last map of the feed-forward part.
///
/// "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning" (arXiv 2205.05638), with the targets and file
/// format of Hugging Face PEFT. `l` is `[M, 1]`, or `[1, N]` at a feed-forward module, and starts with ones. It costs one product an element; merging
/// scales rows of `W` and the bias, or columns of `W`. Where the family has queries, keys and values in one map, all three are scaled, as in PEFT.
public struct IA3: AdapterMethod, Hashable {
  /// `IA3`.
  public static let type = "IA3"

  /// Which modules are adapted, and what is trained beside them.
  public var selection: ModuleSelection
  /// The modules whose inputs are scaled, by the ends of their paths or a pattern; nil for the family's usual ones.
  public var feedForward: Targets?
  /// Whether the vectors start with ones; else with random numbers, which PEFT discourages.
  public var startsWithOnes = true

  /// Settings; the selection's others can be set afterwards.
  ///
  /// - Parameters:
  ///   - targets: `.attention` for keys, values and the last map of the feed-forward part, by PEFT's table.
  ///   - feedForward: the modules among them whose inputs are scaled; nil for the family's usual ones.
  public init(targets: Targets = .attention, feedForward: Targets? = nil) {
    selection = ModuleSelection(targets)
    self.feedForward = feedForward
  }

  /// PEFT's table.
  public func usualTargets(_ host: any AdapterHost) -> [String]? {
    switch host.modelType {
    case "gpt2": ["c_attn", "mlp.c_proj"]
    case "llama", "mistral": ["k_proj", "v_proj", "down_proj"]
    case "qwen2", "qwen3", "gemma": ["q_proj", "v_proj", "down_proj"]
    case "bert", "roberta": ["key", "value", "output.dense"]
    case "vit": ["k_proj", "v_proj", "fc2"]
    default: nil
    }
  }

  /// Refuses settings that the files of the method do not have.
  public func checkSettings() throws(AdapterError) {
    try selection.refuseAllBut()
    switch feedForward {
    case nil, .names, .pattern: return
    case .attention, .allLinear, .none?:
      throw .invalidSetting(
        "feedforward_modules", expected: "names or a pattern",
        found: "\(feedForward ?? Targets.none)")
    }
  }

  /// The vector beside a linear layer.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); IA3 adapts linear layers")
    }
    let scalesInput = try isFeedForward(site)
    let shape = scalesInput ? [1, layer.inputs] : [layer.outputs, 1]
    let startsWithOnes = startsWithOnes
    let tensors = TensorsBlueprint([.init("ia3_l", shape)]) { generator in
      [
        "ia3_l": startsWithOnes
          ? Tensor(repeating: 1, shape: shape)
          : Tensor(normal: 1, shape: shape, using: &generator)
      ]
    }
    return LayerBlueprint(tensors) {
      IA3Layer(scale: $0["ia3_l"]!, scalesInput: scalesInput)
    }
  }

  /// Refuses feed-forward modules that are not among the adapted ones.
  public func checkEntries(_ paths: [String]) throws(AdapterError) {
    switch feedForward {
    case .names(let names):
      try Resolution.refuse(
        "feedforward_modules",
        names.filter { name in !paths.contains { $0.endsExactly(with: name) } }, paths)
    case .pattern(let text):
      let pattern = try PathPattern(text, setting: "feedforward_modules")
      if !paths.contains(where: pattern.matchesAll) {
        try Resolution.refuse("feedforward_modules", [text], paths)
      }
    case nil, .attention, .allLinear, .none?: return
    }
  }

  /// The names that are meant where none are set.
  static func usualFeedForward(_ modelType: String) -> [String]? {
    switch modelType {
    case "gpt2": ["mlp.c_proj"]
    case "llama", "mistral", "qwen2", "qwen3", "gemma": ["down_proj"]
    case "bert", "roberta": ["output.dense"]
    case "vit": ["fc2"]
    default: nil
    }
  }

  private func isFeedForward(_ site: AdapterSite) throws(AdapterError) -> Bool {
    switch feedForward {
    case .pattern(let text):
      return try PathPattern(text, setting: "feedforward_modules").matchesAll(of: site.path)
    case .names(let names): return names.contains(where: site.path.endsExactly)
    case nil, .attention, .allLinear, .none?:
      guard let names = Self.usualFeedForward(site.host.modelType) else {
        throw .invalidSetting(
          "feedforward_modules",
          expected: "names, since the family \(site.host.modelType) has no usual ones",
          found: "null")
      }
      return names.contains(where: site.path.endsExactly)
    }
  }
}

extension IA3: ModuleNamingMethod {
  /// The feed-forward modules in the names of the model.
  mutating func takeOwnNames(_ names: EarlierNames) throws(AdapterError) -> Bool {
    guard let before = feedForward else { return false }
    let after = try names.targets(before, setting: "feedforward_modules")
    feedForward = after
    return after != before
  }
}
