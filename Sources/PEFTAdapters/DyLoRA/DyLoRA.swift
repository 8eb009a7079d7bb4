/// LoRA that is right at every rank up to R after one training: `y = W x + s_b B[:, :b] A[:b, :] dropout(x)`.
///
/// "DyLoRA: Parameter-Efficient Tuning of Pretrained Models using Dynamic Search-Free Low Rank Adaptation" (arXiv 2210.07558). Every
/// optimiser step draws a rank b for all layers and trains the first b components only, so that the components come out ordered by what
/// they are worth. Each component is a parameter of its own, `[1, N]` and `[M, 1]`: one that a step does not train has no gradient,
/// so that neither momentum nor weight decay moves it. Hugging Face PEFT does not have the method; `NestedRanks.export` writes any rank as a LoRA that it loads.
/// A step costs at most as much as LoRA's of rank R.
///
/// The settings are those of the authors' code by default. With `.perRank` the factor of one component depends on b, so
/// that no components can be best at all ranks; `.fixed` has an optimum that is the best matrix at every rank.
public struct DyLoRA: AdapterMethod, Hashable {
  /// `DYLORA`; a type of this package.
  public static let type = "DYLORA"

  /// R, the largest rank.
  public var rank: Int
  /// The numerator of the scale.
  public var alpha: Double
  /// The probability of an input element of the branch to be dropped in training.
  public var dropout: Float
  /// What the scale depends on.
  public var scaling = Scaling.perRank
  /// Which components a step trains.
  public var update = Update.all
  /// How ranks are drawn.
  public var distribution = Distribution.uniform
  /// Which modules are adapted, what is trained beside them, and the seed of the ranks.
  public var selection: ModuleSelection

  /// What the scale at a rank b depends on.
  public enum Scaling: String, Sendable, Hashable, CaseIterable {
    /// `alpha / b`, as in the paper.
    case perRank = "per_rank"
    /// `alpha / R` at every rank.
    case fixed
  }

  /// Which components a step of rank b trains.
  public enum Update: String, Sendable, Hashable, CaseIterable {
    /// The first b.
    case all
    /// The b-th; those before it take part, but stay as they are.
    case frozen
  }

  /// How ranks are drawn from `1...R`.
  public enum Distribution: Sendable, Hashable {
    /// All alike.
    case uniform
    /// `P(b)` in proportion to `(1 - p)^(b - 1)`.
    case geometric(Double)
  }

  /// Settings; the others have defaults that can be set afterwards.
  public init(
    rank: Int = 8, alpha: Double = 8, dropout: Float = 0, targets: Targets = .attention
  ) {
    (self.rank, self.alpha, self.dropout) = (rank, alpha, dropout)
    selection = ModuleSelection(targets)
  }

  /// The factor of the branch at a rank.
  public func scale(rank: Int) -> Float {
    Float(alpha / Double(scaling == .perRank ? rank : self.rank))
  }

  /// The LoRA that is the same at a rank.
  public func lora(rank: Int) -> LoRA {
    var lora = LoRA(
      rank: rank, alpha: scaling == .perRank ? alpha : alpha * Double(rank) / Double(self.rank),
      dropout: dropout)
    lora.selection = selection
    return lora
  }
}
