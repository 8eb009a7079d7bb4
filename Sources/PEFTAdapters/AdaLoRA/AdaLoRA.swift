/// Adaptive low-rank adaptation: `y = W x + s P diag(lambda) Q dropout(x)`, with ranks that are taken from where they matter least.
///
/// "Adaptive Budget Allocation for Parameter-Efficient Fine-Tuning" (arXiv 2303.10512), as Hugging Face PEFT does it. Beside each linear
/// layer stand Q `[R, N]` (`lora_A`), P `[M, R]` (`lora_B`) and lambda `[R, 1]` (`lora_E`). The scale is `alpha / (initialRank + 1e-5)`
/// whatever the ranks become. After every optimiser step the importance of each triplet of a column, a value and a row is
/// estimated from weights and gradients, and the values of the least important ones of all layers are set to zero, so that no more are
/// left than the budget of the step. The budget falls from `initialRank` to `targetRank` a layer by a cubic curve between the first `initialSteps`
/// and the last `finalSteps` steps. The optimiser drives this itself. A step costs `2 R (M + N)` flops beside those of LoRA.
///
/// P and Q start small and lambda at zero, so that training wants a larger learning rate than LoRA's.
public struct AdaLoRA: AdapterMethod, Hashable {
  /// `ADALORA`.
  public static let type = "ADALORA"

  /// R at the start.
  public var initialRank: Int
  /// The mean of the ranks at the end.
  public var targetRank: Int
  /// The numerator of the scale; where it is not positive, `initialRank`.
  public var alpha: Double
  /// The probability of an input element of the branch to be dropped in training.
  public var dropout: Float
  /// How many optimiser steps the training has.
  public var totalSteps: Int
  /// The steps before the budget falls (`tinit`).
  public var initialSteps = 0
  /// The steps after it has fallen (`tfinal`).
  public var finalSteps = 0
  /// How many steps there are between two allocations (`deltaT`).
  public var interval = 1
  /// How much of the mean sensitivity is kept in a step (`beta1`).
  public var sensitivityDecay = 0.85
  /// How much of the mean uncertainty is kept in a step (`beta2`).
  public var uncertaintyDecay = 0.85
  /// The weight of the orthogonality of P and Q in the training loss (`orth_reg_weight`).
  public var orthogonalityWeight = 0.5
  /// How their distance from orthogonality is measured.
  public var orthogonality = Orthogonality.meanNorm
  /// Which weights the gradient is multiplied by for the importance.
  public var importance = Importance.afterStep
  /// How P, lambda and Q start.
  public var initialization = Initialization.zero
  /// Which modules are adapted, and what is trained beside them.
  public var selection: ModuleSelection
  /// Which triplets of a module are left (`rank_pattern`), by its path; a module that is missing has all.
  public var keptTriplets: [String: [Bool]] = [:]

  /// How the distance of P and Q from orthogonality is measured.
  public enum Orthogonality: Sendable, Hashable {
    /// The mean of `|P^T P - I|` and `|Q Q^T - I|` over all P and Q: the formula of PEFT and of the authors' code.
    case meanNorm
    /// The sum of the squares of these norms: equation 4 of the paper, larger by orders of magnitude.
    case sumOfSquares
  }

  /// Which weights the gradient is multiplied by for the importance.
  public enum Importance: Sendable, Hashable {
    /// Those after the step, as in PEFT and the authors' code.
    case afterStep
    /// Those that the gradient belongs to, as in the paper.
    case beforeStep
  }

  /// How P, lambda and Q start.
  public enum Initialization: Sendable, Hashable {
    /// P and Q normal with deviation 0.02, lambda zero: the adapter starts without effect.
    case zero
    /// All normal with deviation 1 (`init_lora_weights: false`): the adapter changes the model from the start.
    case random
  }

  /// Settings; the others have PEFT's defaults and can be set afterwards.
  ///
  /// - Parameters:
  ///   - initialRank: R at the start.
  ///   - targetRank: the mean rank at the end, at most `initialRank`.
  ///   - alpha: the numerator of the scale.
  ///   - dropout: of the input of the branch.
  ///   - totalSteps: how many steps the optimiser will take.
  ///   - targets: which modules are adapted.
  public init(
    initialRank: Int = 12, targetRank: Int = 8, alpha: Double = 8, dropout: Float = 0,
    totalSteps: Int, targets: Targets = .attention
  ) {
    (self.initialRank, self.targetRank, self.alpha) = (initialRank, targetRank, alpha)
    (self.dropout, self.totalSteps) = (dropout, totalSteps)
    selection = ModuleSelection(targets)
  }

  /// The factor of the branch.
  public var scale: Float {
    Float(alpha > 0 ? alpha : Double(initialRank)) / (Float(initialRank) + 1e-5)
  }
}
