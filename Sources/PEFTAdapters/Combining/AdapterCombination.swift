/// How several adapters become one: the ways of `add_weighted_adapter` in Hugging Face PEFT.
public struct AdapterCombination: Sendable, Hashable {
  /// How the matrices of the adapters are added up.
  public var rule: Rule
  /// Which matrices are added up.
  public var matrices: Matrices

  /// How matrices are added up.
  public enum Rule: Sendable, Hashable {
    /// Each times its weight (arXiv 2212.04089).
    case linear
    /// The factors one after the other: the exact sum, with the sum of the ranks.
    case concatenated
    /// The largest elements of each, where their sign is that of the majority (TIES, arXiv 2306.01708).
    case ties(density: Double, majority: Majority)
    /// Elements of each drawn at random, made larger in return (DARE, arXiv 2311.03099).
    case dareLinear(density: Double, seed: UInt64)
    /// The same, where their sign is that of the majority.
    case dareTies(density: Double, majority: Majority, seed: UInt64)
    /// The largest elements of each.
    case magnitudePrune(density: Double)
  }

  /// Which sign the majority has.
  public enum Majority: Sendable, Hashable {
    /// That of the sum.
    case total
    /// That of most elements.
    case frequency
  }

  /// Which matrices are added up.
  public enum Matrices: Sendable, Hashable {
    /// The factors A and B, each for itself with the root of its weight and scale: cheap, and a rough approximation.
    case factors
    /// What the adapters add to the weights; the sum is factored again by its singular values, to the largest rank of the adapters or a
    /// given one. Factors beyond the quantile `clamp` of their elements are cut off.
    case products(rank: Int?, clamp: Double?)
  }

  /// A combination from its parts.
  public init(_ rule: Rule, of matrices: Matrices = .factors) {
    (self.rule, self.matrices) = (rule, matrices)
  }

  /// `linear`.
  public static let linear = AdapterCombination(.linear)
  /// `cat`.
  public static let cat = AdapterCombination(.concatenated)

  /// `svd`.
  public static func svd(rank: Int? = nil, clamp: Double? = nil) -> AdapterCombination {
    AdapterCombination(.linear, of: .products(rank: rank, clamp: clamp))
  }

  /// `ties`; `ties_svd` is the same rule `of: .products`.
  public static func ties(density: Double, majority: Majority = .total) -> AdapterCombination {
    AdapterCombination(.ties(density: density, majority: majority))
  }

  /// `dare_linear`; the seed chooses the elements.
  public static func dareLinear(density: Double, seed: UInt64 = 0) -> AdapterCombination {
    AdapterCombination(.dareLinear(density: density, seed: seed))
  }

  /// `dare_ties`; the seed chooses the elements.
  public static func dareTies(
    density: Double, majority: Majority = .total, seed: UInt64 = 0
  ) -> AdapterCombination {
    AdapterCombination(.dareTies(density: density, majority: majority, seed: seed))
  }

  /// `magnitude_prune`.
  public static func magnitudePrune(density: Double) -> AdapterCombination {
    AdapterCombination(.magnitudePrune(density: density))
  }

  /// The same rule for what the adapters add to the weights, factored again: PEFT's forms with `_svd`.
  ///
  /// - Parameters:
  ///   - rank: of the result; nil for the largest of the adapters.
  ///   - clamp: a quantile of the elements of the factors.
  /// - Returns: the combination.
  public func ofProducts(rank: Int? = nil, clamp: Double? = nil) -> AdapterCombination {
    AdapterCombination(rule, of: .products(rank: rank, clamp: clamp))
  }

  /// The share of elements that is kept; nil for a rule that keeps all.
  var density: Double? {
    switch rule {
    case .linear, .concatenated: nil
    case .ties(let density, _), .dareLinear(let density, _), .dareTies(let density, _, _),
      .magnitudePrune(let density):
      density
    }
  }
}
