internal import CPEFTKernels

extension Kernels {
  typealias Unary = @Sendable (UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int) -> Void
  typealias Binary =
    @Sendable (
      UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?, Int
    ) -> Void

  /// y = f(x), both contiguous; y may be x.
  static func map(_ x: Tensor, to y: Tensor, _ function: Unary) {
    withoutActuallyEscaping(function) { function in
      Parallel.run(x.count, grain: grain) { _, range in
        function(x.address + range.lowerBound, y.address + range.lowerBound, range.count)
      }
    }
  }

  /// y = f(a, b), all contiguous; y may be a or b.
  static func map(_ a: Tensor, _ b: Tensor, to y: Tensor, _ function: Binary) {
    withoutActuallyEscaping(function) { function in
      Parallel.run(a.count, grain: grain) { _, range in
        let start = range.lowerBound
        function(a.address + start, b.address + start, y.address + start, range.count)
      }
    }
  }

  /// y = scale * x + shift.
  static func affine(_ x: Tensor, scale: Float, shift: Float, to y: Tensor) {
    map(x, to: y) { peft_affine($0, scale, shift, $1, $2) }
  }

  static func swiglu(gate: Tensor, up: Tensor, to y: Tensor) {
    map(gate, up, to: y) { peft_swiglu($0, $1, $2, $3) }
  }

  static func swigluBackward(
    gate: Tensor, up: Tensor, gradient: Tensor, toGate dGate: Tensor, toUp dUp: Tensor
  ) {
    Parallel.run(gate.count, grain: grain) { _, range in
      let start = range.lowerBound
      peft_swiglu_backward(
        gate.address + start, up.address + start, gradient.address + start, dGate.address + start,
        dUp.address + start, range.count)
    }
  }

  static func dropout(_ x: Tensor, to y: Tensor, probability: Float, key: UInt64) {
    Parallel.run(x.count, grain: grain) { _, range in
      peft_dropout(
        x.address + range.lowerBound, y.address + range.lowerBound, range.count, probability, key,
        UInt64(range.lowerBound))
    }
  }
}

// MARK: The functions by name

extension Kernels {
  static let add: Binary = { peft_add($0, $1, $2, $3) }
  static let subtract: Binary = { peft_subtract($0, $1, $2, $3) }
  static let multiply: Binary = { peft_multiply($0, $1, $2, $3) }
  static let divide: Binary = { peft_divide($0, $1, $2, $3) }
  static let squareRoot: Unary = { peft_square_root($0, $1, $2) }
  static let exponential: Unary = { peft_exponential($0, $1, $2) }
}

extension Activation {
  /// y = f(x).
  var forward: Kernels.Unary {
    switch self {
    case .gelu: { peft_gelu($0, $1, $2) }
    case .geluTanh: { peft_gelu_tanh($0, $1, $2) }
    case .silu: { peft_silu($0, $1, $2) }
    case .relu: { peft_relu($0, $1, $2) }
    case .tanh: { peft_tanh($0, $1, $2) }
    }
  }

  /// dx = dy * f'(x) from the saved tensor (the input, or the output where `savesOutput`) and dy.
  var backward: Kernels.Binary {
    switch self {
    case .gelu: { peft_gelu_backward($0, $1, $2, $3) }
    case .geluTanh: { peft_gelu_tanh_backward($0, $1, $2, $3) }
    case .silu: { peft_silu_backward($0, $1, $2, $3) }
    case .relu: { peft_relu_backward($0, $1, $2, $3) }
    case .tanh: { peft_tanh_backward($0, $1, $2, $3) }
    }
  }
}
