/// How the elements of weights that are worth training are found.
///
/// Every element of the selected weights W gets a score, from its gradient g or its value w, and the highest are chosen
/// in each scope; among equals the one that stands first in the model. A mask is chosen once and stays.
public struct SparseChoice: Sendable, Hashable {
  /// What an element is scored by; sums run over the losses whose gradient is taken.
  public enum Scorer: Sendable, Hashable {
    /// The sum of g^2: the diagonal of the empirical Fisher information where each loss is that of one example.
    case squaredGradient
    /// The magnitude of the sum of g.
    case gradient
    /// The sum of |g|.
    case absoluteGradient
    /// |w g|, with the sum of g: how much the loss changes to first order when the weight is removed.
    case saliency
    /// |w|.
    case magnitude
    /// Equal chances.
    case random

    /// Whether losses are needed.
    public var usesGradients: Bool { self != .magnitude && self != .random }
  }

  /// Where scores are compared with each other.
  public enum Scope: Sendable, Hashable {
    /// In all layers together.
    case global
    /// In each layer.
    case layer
    /// In each row: for each output of a layer.
    case row
  }

  /// How many elements are chosen.
  public enum Budget: Sendable, Hashable {
    /// A share of the elements of the scope, rounded down.
    case share(Double)
    /// So many in the scope.
    case count(Int)
    /// R (N + M) for a weight `[M, N]`: as many as LoRA of this rank trains.
    case rank(Int)
  }

  /// What an element is scored by.
  public var scorer: Scorer
  /// Where scores are compared.
  public var scope: Scope
  /// How many are chosen.
  public var budget: Budget
  /// Chooses the random scores.
  public var seed: UInt64

  /// A choice from its parts.
  public init(_ scorer: Scorer, _ scope: Scope, _ budget: Budget, seed: UInt64 = 0) {
    (self.scorer, self.scope, self.budget, self.seed) = (scorer, scope, budget, seed)
  }

  /// FISH mask, "Training Neural Networks with Fixed Sparse Masks" (arXiv 2111.09839): the highest sums of g^2 in all layers.
  ///
  /// The loss is that of one example at a time. The share is of the selected weights, without a head, which the paper trains as a whole:
  /// name it in `modulesToSave` for that.
  public static func fish(share: Double = 0.005) -> SparseChoice {
    SparseChoice(.squaredGradient, .global, .share(share))
  }

  /// GPS, "Gradient-based Parameter Selection for Efficient Fine-Tuning" (arXiv 2312.10136): the highest gradients of each output.
  ///
  /// The paper takes the gradient of a contrastive loss without the head; the loss is the caller's here.
  public static func gps(perRow count: Int = 1) -> SparseChoice {
    SparseChoice(.gradient, .row, .count(count))
  }

  /// SHiRA, "Sparse High Rank Adapters" (arXiv 2406.13175): as many in each layer as LoRA would train.
  public static func shira(_ scorer: Scorer = .random, rank: Int = 32) -> SparseChoice {
    SparseChoice(scorer, .layer, .rank(rank))
  }

  /// How many elements of a scope of `size` elements are chosen, which holds the weights of these shapes.
  func count(size: Int, shapes: [(rows: Int, columns: Int)]) throws(AdapterError) -> Int {
    let count: Int
    switch budget {
    case .share(let share):
      guard share > 0, share <= 1 else {
        throw .invalidSetting("budget", expected: "a share above 0 up to 1", found: "\(share)")
      }
      count = Int(share * Double(size))
    case .count(let number): count = number
    case .rank(let rank):
      if scope == .row {
        throw .invalidSetting("budget", expected: "a share or count for rows", found: "a rank")
      }
      try LoRA.checkRank(rank, "budget")
      count = shapes.reduce(0) { $0 + rank * ($1.rows + $1.columns) }
    }
    guard (1...max(1, size)).contains(count) else {
      throw .invalidSetting(
        "budget", expected: "1 to \(size) of the \(size) elements in a scope", found: "\(count)")
    }
    return count
  }
}
