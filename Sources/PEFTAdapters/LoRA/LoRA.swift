/// Low-rank adaptation: `y = W x + s B A dropout(x)` with trained A `[R, N]` and B `[M, R]`.
///
/// "LoRA: Low-Rank Adaptation of Large Language Models" (arXiv 2106.09685), with the settings, defaults and names of
/// matching of Hugging Face PEFT. The scale is `alpha / R`, or `alpha / sqrt(R)` where it is rank-stabilised (arXiv 2312.03732).
public struct LoRA: AdapterMethod, Hashable {
  /// `LORA`.
  public static let type = "LORA"

  /// R.
  public var rank: Int
  /// The numerator of the scale.
  public var alpha: Double
  /// The probability of an input element of the branch to be dropped in training.
  public var dropout: Float
  /// Which modules are adapted, and what is trained beside them.
  public var selection: ModuleSelection
  /// Other ranks for some modules.
  public var rankPattern: [PatternValue<Int>] = []
  /// Other alphas for some modules.
  public var alphaPattern: [PatternValue<Double>] = []
  /// Whether the scale is `alpha / sqrt(R)`.
  public var isRankStabilized = false
  /// DoRA (`use_dora`): whether the length of every row of the adapted weight is trained apart from its direction.
  ///
  /// "DoRA: Weight-Decomposed Low-Rank Adaptation" (arXiv 2402.09353): `y = (m / |V|) * V x + b` with `V = W + s B A` and trained m `[M]`, which
  /// starts as the norms of the rows of W. The norms of V are constants of the gradient, as in the paper's section 4.3 and in
  /// PEFT, and are found without the product B A. Several active adapters are scaled together. A step costs `2 M N R` flops and one pass over the output more than LoRA's.
  public var usesWeightDecomposition = false
  /// LoRA-FA: whether A stays as it starts, so that only B is trained.
  ///
  /// "LoRA-FA: Memory-efficient Low-rank Adaptation" (arXiv 2308.03303). For the gradient, `A dropout(x)` is kept, `[rows, R]`, and not x, `[rows, N]`. A
  /// adapter file does not say so, as in PEFT: A is trained where it is loaded to be trained further.
  public var freezesA = false
  /// Whether the gradient of B becomes `g (A A^T + 1e-8 I)^-1 / s^2` before every step, as in PEFT's LoRA-FA optimiser.
  ///
  /// `s g' A` is then the projection of the gradient of the whole weight on the rows of A. Only with `freezesA`; whatever the optimiser,
  /// of which PEFT's is AdamW with an epsilon of 1e-6.
  public var projectsGradients = false
  /// Whether B has a bias of its own (`lora_bias`).
  public var hasBias = false
  /// How A and B start.
  public var initialization = Initialization.kaiming
  /// Tokens whose rows in the table of the input are trained beside (`trainable_token_indices`); a tied head follows.
  public var trainableTokens: [Int32] = []
  /// The end of the path of that table; nil for the model's.
  var trainableTokensModule: String?

  /// Settings; the others have defaults that can be set afterwards.
  public init(
    rank: Int = 8, alpha: Double = 8, dropout: Float = 0, targets: Targets = .attention
  ) {
    (self.rank, self.alpha, self.dropout) = (rank, alpha, dropout)
    selection = ModuleSelection(targets)
  }

  /// The factor of the branch for a module of this rank and alpha.
  public func scale(rank: Int, alpha: Double) -> Float {
    Float(isRankStabilized ? alpha / Double(rank).squareRoot() : alpha / Double(rank))
  }
}
