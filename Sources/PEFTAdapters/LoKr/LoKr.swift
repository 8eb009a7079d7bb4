import PEFTTensor
import PEFTTransformer

/// Low-rank Kronecker product: `y = W x + s (W1 (x) W2) x` with `W1` `[a, b]` and `W2` `[c, d]`, `a c = M`, `b d = N`.
///
/// "Navigating Text-To-Image Customization: From LyCORIS Fine-Tuning to Model Evaluation" (arXiv 2309.14859), with the settings, defaults and file
/// format of Hugging Face PEFT. M and N are split near their square roots, or by `factor`. `W2` is a product of rank R where `R < max(c, d) / 2`, and with
/// `decomposesBoth` `W1` by the same rule; the scale is `alpha / R`; `W1` starts with zeros.
///
/// The `[M, N]` matrix is never made outside of a merge: x is taken as `[b, d]`, multiplied by `W2` and then by `W1`, at `2 b d c + 2 b c a` flops a
/// row instead of `2 M N`. PEFT's LoKr does not know GPT-2's `Conv1D`, so that it does not load an adapter of such layers.
public struct LoKr: AdapterMethod, Hashable, LycorisMethod {
  /// `LOKR`.
  public static let type = "LOKR"

  /// R.
  public var rank: Int
  /// The numerator of the scale.
  public var alpha: Double
  /// Other ranks for some modules.
  public var rankPattern: [PatternValue<Int>] = []
  /// Other alphas for some modules.
  public var alphaPattern: [PatternValue<Double>] = []
  /// The probability of a row of the product to be dropped in training.
  public var rankDropout: Float = 0
  /// Whether what rank dropout leaves is divided by its share.
  public var rescalesRankDropout = false
  /// The probability of the whole branch to be dropped in training, without rescaling.
  public var moduleDropout: Float = 0
  /// Whether `W1` can be a product as well (`decompose_both`).
  public var decomposesBoth = false
  /// How large `a` and `b` are at most; nil for near the square roots.
  public var factor: Int?
  /// What starts with zeros.
  public var initialization = Initialization.zeroFirst
  /// Which modules are adapted, and what is trained beside them.
  public var selection: ModuleSelection

  /// What starts with zeros.
  public enum Initialization: Sendable, Hashable {
    /// `W1`: PEFT's default.
    case zeroFirst
    /// `W2`, as in the LyCORIS library.
    case zeroSecond
    /// Nothing: the adapter changes the model from the start.
    case random
  }

  /// Settings; the others have defaults that can be set afterwards.
  public init(rank: Int = 8, alpha: Double = 8, targets: Targets = .attention) {
    (self.rank, self.alpha) = (rank, alpha)
    selection = ModuleSelection(targets)
  }

  /// The factors beside a linear layer.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    if let factor, factor < 1 {
      throw .invalidSetting("decompose_factor", expected: "-1 or above 0", found: "\(factor)")
    }
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); LoKr adapts linear layers")
    }
    let (rank, alpha) = try size(at: site.path)
    let (a, c) = Self.split(layer.outputs, factor)
    let (b, d) = Self.split(layer.inputs, factor)
    let first = Factor(
      "lokr_w1", a, b, rank: decomposesBoth && 2 * rank < max(a, b) ? rank : nil)
    let second = Factor("lokr_w2", c, d, rank: 2 * rank < max(c, d) ? rank : nil)
    let initialization = initialization
    let tensors = TensorsBlueprint(first.entries + second.entries) { generator in
      first.start(zero: initialization == .zeroFirst ? 0 : nil, &generator)
        // The library starts the right side of a product with zeros.
        .merging(second.start(zero: initialization == .zeroSecond ? 1 : nil, &generator)) {
          first, _ in first
        }
    }
    let dropout = LycorisDropout(
      row: rankDropout, branch: moduleDropout, rescalesRows: rescalesRankDropout)
    return LayerBlueprint(tensors, rank: rank, alpha: alpha) { parameters in
      LoKrLayer(
        first: first.names.map { parameters[$0]! }, second: second.names.map { parameters[$0]! },
        scale: Float(alpha / Double(rank)), dropout: dropout)
    }
  }

  /// Two numbers whose product is `size`, the smaller one first: PEFT's rule.
  static func split(_ size: Int, _ factor: Int?) -> (Int, Int) {
    if let factor, size % factor == 0 { return (factor, size / factor) }
    let limit = factor ?? size
    var (small, large) = (1, size)
    while small < large {
      var next = small + 1
      while size % next != 0 { next += 1 }
      if next + size / next > small + large || next > limit { break }
      (small, large) = (next, size / next)
    }
    return (min(small, large), max(small, large))
  }
}

/// One side of a Kronecker product: a matrix, or a product of two.
private struct Factor {
  let names: [String]
  let shapes: [[Int]]

  init(_ name: String, _ rows: Int, _ columns: Int, rank: Int?) {
    names = rank == nil ? [name] : ["\(name)_a", "\(name)_b"]
    shapes = rank.map { [[rows, $0], [$0, columns]] } ?? [[rows, columns]]
  }

  var entries: [TensorsBlueprint.Entry] { zip(names, shapes).map { .init($0, $1) } }

  /// Random values, but zeros in the matrix, or in one of the two.
  func start(zero side: Int?, _ generator: inout Generator) -> [String: Tensor] {
    var values: [String: Tensor] = [:]
    for (index, name) in names.enumerated() {
      values[name] =
        side.map { min($0, names.count - 1) } == index
        ? Tensor(zeros: shapes[index]) : Tensor(linearStart: shapes[index], using: &generator)
    }
    return values
  }
}
