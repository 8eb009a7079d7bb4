public import PEFTTensor
public import PEFTTransformer

/// Bottleneck adapters: `h + U f(D h + d) + u` behind a part of every block, with trained D `[m, D]`, U `[D, m]` and biases.
///
/// "Parameter-Efficient Transfer Learning for NLP" (Houlsby et al., arXiv 1902.00751) puts one behind attention and one behind the feed-forward part;
/// "AdapterFusion: Non-Destructive Task Composition for Transfer Learning" (Pfeiffer et al., arXiv 2005.00247) one behind the feed-forward part only. Each works on
/// the output of the part's last map, before the residual sum. The modules are found by what they do in a block, in any family. `2 m D + m + D`
/// parameters and `4 m D` flops a row each. An adapter is no affine map of the input, so that it cannot be merged.
///
/// Hugging Face PEFT has no such method; its files here are of the type `BOTTLENECK`. The default start is U = 0, an exact identity, where the
/// first paper starts near it; the width and the activation are those of its published code, reconstructed from memory of it.
public struct Bottleneck: AdapterMethod, Hashable {
  /// `BOTTLENECK`, which Hugging Face PEFT does not know.
  public static let type = "BOTTLENECK"

  /// Where adapters stand.
  public enum Placement: String, Sendable, Hashable, CaseIterable {
    /// Behind attention and behind the feed-forward part.
    case houlsby
    /// Behind the feed-forward part.
    case pfeiffer
  }

  /// How the matrices start.
  public enum Initialization: Sendable, Hashable {
    /// D uniform in `+-1 / sqrt(D)`, U zero: exactly the identity.
    case zero
    /// Both normal with this deviation, cut at twice of it: near the identity, as in the first paper.
    case normal(Float)
  }

  /// m.
  public var width: Int
  /// Where adapters stand, if the targets are `.attention`.
  public var placement: Placement
  /// f.
  public var activation: Activation
  /// How the matrices start; the biases start with zeros.
  public var initialization = Initialization.zero
  /// Whether copies of all norms are trained as well, as in the first paper; two adapters that do so cannot be active together.
  public var trainsNorms = true
  /// Which modules have an adapter behind them, and what is trained beside them.
  public var selection: ModuleSelection

  /// Settings; the others have defaults that can be set afterwards.
  public init(
    width: Int = 64, placement: Placement = .houlsby, activation: Activation = .gelu,
    targets: Targets = .attention
  ) {
    (self.width, self.placement, self.activation) = (width, placement, activation)
    selection = ModuleSelection(targets)
  }

  /// The last maps of the parts of every block.
  public func usualTargets(_ host: any AdapterHost) -> [String]? {
    let modules = host.walk(includingAdapters: false).modules
    let outputs = modules.flatMap { _, module -> [Linear] in
      guard let block = module as? Block else { return [] }
      let last = block.feedForward.down
      return placement == .houlsby ? [block.attention.output, last] : [last]
    }
    let paths = outputs.compactMap { output in modules.first { $0.module === output }?.path }
    return paths.isEmpty ? nil : paths
  }

  /// Refuses widths and deviations out of range.
  public func checkSettings() throws(AdapterError) {
    try LoRA.checkRank(width, "width")
    if case .normal(let deviation) = initialization, !(deviation >= 0 && deviation.isFinite) {
      throw .invalidSetting(
        "initialization", expected: "a deviation of 0 or more", found: "\(deviation)")
    }
    try selection.refuseAllBut([.layers])
  }

  /// Every norm, where they are trained.
  public func adapts(_ module: any Module) -> Bool { trainsNorms && module is Norm }

  /// The two matrices behind a linear layer, or copies of what a norm keeps.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    if trainsNorms, let norm = site.module as? Norm {
      return LayerBlueprint(copies: norm.ownParameters)
    }
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason:
          "it is a \(Swift.type(of: site.module)); bottleneck adapters stand behind linear layers")
    }
    let (size, width, activation) = (layer.outputs, width, activation)
    let initialization = initialization
    let tensors = TensorsBlueprint([
      .init("adapter_down.weight", [width, size]), .init("adapter_down.bias", [width]),
      .init("adapter_up.weight", [size, width]), .init("adapter_up.bias", [size]),
    ]) { generator in
      let (down, up) = initialization.matrices(width: width, size: size, &generator)
      return [
        "adapter_down.weight": down, "adapter_down.bias": Tensor(zeros: [width]),
        "adapter_up.weight": up, "adapter_up.bias": Tensor(zeros: [size]),
      ]
    }
    return LayerBlueprint(tensors, rank: width) {
      BottleneckLayer(
        down: ($0["adapter_down.weight"]!, $0["adapter_down.bias"]!),
        up: ($0["adapter_up.weight"]!, $0["adapter_up.bias"]!), activation: activation)
    }
  }
}

extension Bottleneck.Initialization {
  /// D and U.
  fileprivate func matrices(
    width: Int, size: Int, _ generator: inout Generator
  ) -> (down: Tensor, up: Tensor) {
    let (wide, tall) = ([width, size], [size, width])
    switch self {
    case .zero:
      let bound = 1 / Float(size).squareRoot()
      return (
        Tensor(uniform: -bound..<bound, shape: wide, using: &generator), Tensor(zeros: tall)
      )
    case .normal(let deviation):
      func matrix(_ shape: [Int]) -> Tensor {
        let values = (0..<width * size).map { _ in
          var value = generator.normal()
          while abs(value) > 2 { value = generator.normal() }
          return Float(value) * deviation
        }
        return Tensor(values, shape: shape)
      }
      return (matrix(wide), matrix(tall))
    }
  }
}
