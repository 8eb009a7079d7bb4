import PEFTTensor
import PEFTTransformer

extension Optimizer {
  /// The Euclidean norm of all gradients taken as one vector; not finite where one of them is not.
  ///
  /// - Complexity: one pass over the gradients, in double precision.
  public var gradientNorm: Double {
    var total = 0.0
    for group in groups {
      for named in group.parameters { total += named.parameter.gradient?.sumOfSquares ?? 0 }
    }
    return total.squareRoot()
  }

  /// A step with gradients scaled down to a norm, where theirs is larger.
  ///
  /// The clipping of PyTorch's `clip_grad_norm_`, without its pass that rewrites the gradients. Where the norm is not finite no
  /// parameter is changed and the gradients are cleared.
  ///
  /// - Parameter maximum: the largest norm; infinity to clip nothing.
  /// - Returns: the norm before clipping.
  @discardableResult
  public func step(clippingTo maximum: Double) -> Double {
    let norm = gradientNorm
    if norm.isFinite {
      step(gradientScale: GradientClipping.scale(norm: norm, maximum: maximum))
    } else {
      zeroGradients()
    }
    return norm
  }
}

/// How much gradients are scaled to keep their norm below a maximum.
public enum GradientClipping {
  /// The factor for gradients of a norm: `min(1, maximum / (norm + 1e-6))`, as in PyTorch.
  public static func scale(norm: Double, maximum: Double) -> Float {
    precondition(maximum > 0, "GradientClipping: maximum norm \(maximum)")
    return Float(min(1, maximum / (norm + 1e-6)))
  }
}
