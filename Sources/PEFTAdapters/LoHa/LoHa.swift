package import PEFTCheckpoints
package import PEFTJSON
import PEFTTensor
import PEFTTransformer

/// Low-rank Hadamard product: `y = W x + s ((A1 B1) * (A2 B2)) x`, an elementwise product of two matrices of rank R, whose rank is up to R^2.
///
/// "FedPara: Low-Rank Hadamard Product for Communication-Efficient Federated Learning" (arXiv 2108.06098), with the settings, defaults and file
/// format of Hugging Face PEFT: `A1` and `A2` are `[M, R]`, `B1` and `B2` `[R, N]`, the scale is `alpha / R`, `B2` starts with zeros.
///
/// The product is a sum of R^2 outer products (the rows of `B1` and `B2` multiplied pairwise, the columns of `A1` and `A2` likewise), which is
/// computed as a branch of rank R^2 wherever `R^2 (M + N) < M N`; above that the `[M, N]` matrix is made in every pass, at `4 R M N` flops.
/// PEFT's LoHa does not know GPT-2's `Conv1D`, so that it does not load an adapter of such layers.
public struct LoHa: AdapterMethod, Hashable, LycorisMethod {
  /// `LOHA`.
  public static let type = "LOHA"

  /// R.
  public var rank: Int
  /// The numerator of the scale.
  public var alpha: Double
  /// Other ranks for some modules.
  public var rankPattern: [PatternValue<Int>] = []
  /// Other alphas for some modules.
  public var alphaPattern: [PatternValue<Double>] = []
  /// The probability of a row of the product to be dropped in training; what is left is divided by its share, as in PEFT.
  public var rankDropout: Float = 0
  /// The probability of the whole branch to be dropped in training, without rescaling.
  public var moduleDropout: Float = 0
  /// Whether `B2` starts with zeros; else with random numbers, and the adapter changes the model from the start.
  public var startsAsIdentity = true
  /// Which modules are adapted, and what is trained beside them.
  public var selection: ModuleSelection

  /// Settings; the others have defaults that can be set afterwards.
  public init(rank: Int = 8, alpha: Double = 8, targets: Targets = .attention) {
    (self.rank, self.alpha) = (rank, alpha)
    selection = ModuleSelection(targets)
  }

  /// The four factors beside a linear layer.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); LoHa adapts linear layers")
    }
    let (rank, alpha) = try size(at: site.path)
    let (tall, wide) = ([layer.outputs, rank], [rank, layer.inputs])
    let startsAsIdentity = startsAsIdentity
    let tensors = TensorsBlueprint([
      .init("hada_w1_a", tall), .init("hada_w1_b", wide), .init("hada_w2_a", tall),
      .init("hada_w2_b", wide),
    ]) { generator in
      [
        "hada_w1_a": Tensor(linearStart: tall, using: &generator),
        "hada_w1_b": Tensor(linearStart: wide, using: &generator),
        "hada_w2_a": Tensor(linearStart: tall, using: &generator),
        "hada_w2_b": startsAsIdentity
          ? Tensor(zeros: wide) : Tensor(linearStart: wide, using: &generator),
      ]
    }
    let dropout = LycorisDropout(row: rankDropout, branch: moduleDropout, rescalesRows: true)
    return LayerBlueprint(tensors, rank: rank, alpha: alpha) {
      LoHaLayer(
        first: ($0["hada_w1_a"]!, $0["hada_w1_b"]!), second: ($0["hada_w2_a"]!, $0["hada_w2_b"]!),
        scale: Float(alpha / Double(rank)), dropout: dropout)
    }
  }
}

extension LoHa: StoredMethod {
  /// The settings in an `adapter_config.json`.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init()
    try read(file)
    startsAsIdentity = try file.bool("init_weights", default: true)
  }

  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    commonFields(context) + [.init("init_weights", .bool(startsAsIdentity))]
  }
}
