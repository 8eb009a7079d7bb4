/// LoRA whose base moves along: after every step W changes by `lambda s` times what the product of the factors changed.
///
/// "Delta-LoRA: Fine-Tuning High-Rank Parameters with the Delta of Low-Rank Matrices" (arXiv 2309.02411), from its algorithm; there is no code of
/// the authors. `y = W_t x + s B_t A_t x` with `s = alpha / R`, and after each step t > K, counted from 0,
/// `W_(t+1) = W_t + lambda s (B_(t+1) A_(t+1) - B_t A_t)`. The branch has no dropout, which would part the gradient of W
/// from that of the product.
///
/// The sum of these changes telescopes: with the factors `A_c, B_c` after the first K + 1 steps,
/// `W_t = W_0 + lambda s (B_t A_t - B_c A_c)`. W is computed so, from W_0, in every step. It does not drift, the bits of the base are
/// back when the adapter is detached, and two more narrow factors, not W, are what is stored. It also says that the change of
/// the model has a rank of at most 2 R, so that `DeltaLoRAMover.export` writes a LoRA of that rank; and that for
/// K < 0 the method is LoRA with `alpha (1 + lambda)`.
///
/// A step costs `4 R M N` flops for each layer beside LoRA's, and the memory of a second W, with `.moved`; `4 R (M + N)` flops a row
/// with `.factored`. Hugging Face PEFT does not have the method.
public struct DeltaLoRA: AdapterMethod, Hashable {
  /// `DELTA_LORA`; a type of this package.
  public static let type = "DELTA_LORA"

  /// R.
  public var rank: Int
  /// The numerator of the scale.
  public var alpha: Double
  /// Lambda: how much of the change of the product W takes up.
  public var ratio: Double
  /// K: W moves after the steps above this one, counted from 0; with -1 from the first step on.
  public var delay: Int
  /// How the moved W is kept.
  public var base = Base.moved
  /// Which modules are adapted, and what is trained beside them.
  public var selection: ModuleSelection
  /// How many steps the adapter has been trained for already; from the file that it is loaded from.
  public var completedSteps = 0

  /// How the moved W is kept.
  public enum Base: String, Sendable, Hashable, CaseIterable {
    /// As a float32 matrix that stands in for the base's; for bases in float32.
    case moved
    /// As the base's own and the factors of what it has moved by; for bases in any storage.
    case factored
  }

  /// Settings with the paper's lambda and K; the others have defaults that can be set afterwards.
  public init(
    rank: Int = 8, alpha: Double = 8, ratio: Double = 2, delay: Int = 500,
    targets: Targets = .attention
  ) {
    (self.rank, self.alpha, self.ratio, self.delay) = (rank, alpha, ratio, delay)
    selection = ModuleSelection(targets)
  }

  /// The factor of the branch.
  public var scale: Float { Float(alpha / Double(rank)) }

  /// How many steps are taken before W moves with the next.
  var stillSteps: Int { max(0, delay + 1) }
}
