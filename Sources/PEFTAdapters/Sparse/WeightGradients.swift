import PEFTTensor
import PEFTTransformer

extension AdapterHost {
  /// Runs `body` with the base alone and frozen; every backward pass in it hands the gradient that the weight of each of these layers would
  /// have to `receive`, by the number of the layer.
  ///
  /// One gradient `[M, N]` lives at a time. Adapters, gradients and what is trainable are afterwards as before.
  func withWeightGradients<Result>(
    of layers: [Linear], _ receive: @escaping (Int, Tensor) -> Void, _ body: () throws -> Result
  ) throws -> Result {
    try withoutAdapters {
      let trained = parameters(.trainable).map { ($0.parameter, $0.parameter.gradient) }
      for (parameter, _) in trained { parameter.isTrainable = false }
      for (index, layer) in layers.enumerated() {
        layer.adapter = ObservingSlot(inside: layer.adapter) { receive(index, $0) }
      }
      defer {
        for layer in layers {
          if let slot = layer.adapter as? ObservingSlot { layer.adapter = slot.inside }
        }
        for (parameter, gradient) in trained {
          parameter.isTrainable = true
          parameter.gradient = gradient
        }
      }
      return try body()
    }
  }
}

/// Fills the slot of a linear layer around what is there, and looks at its gradients.
private final class ObservingSlot: LinearAdapter {
  let inside: (any LinearAdapter)?
  private let receive: (Tensor) -> Void

  init(inside: (any LinearAdapter)?, _ receive: @escaping (Tensor) -> Void) {
    (self.inside, self.receive) = (inside, receive)
  }

  var members: Members { inside?.members ?? [:] }

  func forward(_ input: Tensor, base: Linear, _ context: ForwardContext) -> Tensor {
    let output = inside?.forward(input, base: base, context) ?? base.project(input)
    return output.observingWeightGradient(of: input, receive)
  }
}

/// What is summed over the gradients of some weights.
final class GradientSums {
  private(set) var tensors: [Tensor?]
  private let scorer: SparseChoice.Scorer

  init(_ scorer: SparseChoice.Scorer, count: Int) {
    self.scorer = scorer
    tensors = Array(repeating: nil, count: count)
  }

  /// Puts a sum in the place of one.
  func set(_ index: Int, _ sum: Tensor) { tensors[index] = sum }

  /// Takes the gradient of one weight in.
  func add(_ index: Int, _ gradient: Tensor) {
    withoutGradients {
      let term =
        switch scorer {
        case .squaredGradient: gradient * gradient
        case .absoluteGradient: gradient.magnitudes
        case .gradient, .saliency, .magnitude, .random: gradient
        }
      tensors[index] = tensors[index].map { $0 + term } ?? term
    }
  }
}

extension Tensor {
  /// Every element without its sign.
  var magnitudes: Tensor { activated(.relu) + (-self).activated(.relu) }
}

extension Linear {
  /// The weight `[M, N]` in float32, whatever its layout and storage.
  var denseWeight: Tensor {
    withoutGradients { layout == .outputInput ? weight.value : weight.value.transposed }
  }
}
