/// The activation functions of the model families.
public enum Activation: String, Sendable, CaseIterable {
  /// `x * Phi(x)` with the normal distribution's Phi, by the error function (arXiv 1606.08415).
  case gelu
  /// The same by the approximation with tanh, which GPT-2 uses.
  case geluTanh
  /// `x / (1 + exp(-x))`, also called swish (arXiv 1702.03118).
  case silu
  /// `max(x, 0)`.
  case relu
  /// The hyperbolic tangent.
  case tanh

  /// Whether backward reads the output; else it reads the input.
  var savesOutput: Bool { self == .tanh }
}

extension Tensor {
  /// An activation of every element.
  ///
  /// Saves the input (tanh: the output).
  public func activated(_ activation: Activation) -> Tensor {
    let x = contiguous
    let result = Tensor(uninitialized: shape)
    Kernels.map(x, to: result, activation.forward)
    let saved = activation.savesOutput ? result : x.detached
    return result.recorded(from: [x]) { gradient, inputs in
      gradient = gradient.contiguous
      let target = gradient.reusedOrNew()
      Kernels.map(saved, gradient, to: target, activation.backward)
      inputs[0]?.accumulate(target)
    }
  }

  /// `silu(gate) * up`, the gated activation of the Llama family (arXiv 2002.05202).
  ///
  /// Saves both.
  public static func swiglu(gate: Tensor, up: Tensor) -> Tensor {
    precondition(gate.shape == up.shape, "swiglu: gate \(gate.shape), up \(up.shape)")
    let (gate, up) = (gate.contiguous, up.contiguous)
    let result = Tensor(uninitialized: gate.shape)
    Kernels.swiglu(gate: gate, up: up, to: result)
    let (savedGate, savedUp) = (gate.detached, up.detached)
    return result.recorded(from: [gate, up]) { gradient, inputs in
      let gradient = gradient.contiguous
      let (dGate, dUp) = (
        Tensor(uninitialized: gradient.shape), Tensor(uninitialized: gradient.shape)
      )
      Kernels.swigluBackward(
        gate: savedGate, up: savedUp, gradient: gradient, toGate: dGate, toUp: dUp)
      inputs[0]?.accumulate(dGate)
      inputs[1]?.accumulate(dUp)
    }
  }
}
