extension Tensor {
  /// The elementwise sum; shapes are broadcast as in NumPy.
  public static func + (left: Tensor, right: Tensor) -> Tensor {
    let (a, b) = aligned(left, right)
    return mapped(a.detached, b.detached, Kernels.add).recorded(from: [a, b]) { gradient, inputs in
      inputs[0]?.accumulate(gradient)
      inputs[1]?.accumulate(gradient)
    }
  }

  /// The elementwise difference; shapes are broadcast as in NumPy.
  public static func - (left: Tensor, right: Tensor) -> Tensor {
    let (a, b) = aligned(left, right)
    return mapped(a.detached, b.detached, Kernels.subtract).recorded(from: [a, b]) {
      gradient, inputs in
      inputs[0]?.accumulate(gradient)
      inputs[1]?.accumulate(gradient.affine(-1, 0))
    }
  }

  /// The elementwise product; shapes are broadcast as in NumPy.
  ///
  /// Saves both operands.
  public static func * (left: Tensor, right: Tensor) -> Tensor {
    let (a, b) = aligned(left, right)
    let (x, y) = (a.detached, b.detached)
    return mapped(x, y, Kernels.multiply).recorded(from: [a, b]) { gradient, inputs in
      inputs[0]?.accumulate(mapped(gradient, y, Kernels.multiply))
      inputs[1]?.accumulate(mapped(gradient, x, Kernels.multiply))
    }
  }

  /// The elementwise quotient; shapes are broadcast as in NumPy.
  ///
  /// Saves both operands.
  public static func / (left: Tensor, right: Tensor) -> Tensor {
    let (a, b) = aligned(left, right)
    let (x, y) = (a.detached, b.detached)
    return mapped(x, y, Kernels.divide).recorded(from: [a, b]) { gradient, inputs in
      let quotient = mapped(gradient, y, Kernels.divide)
      inputs[0]?.accumulate(quotient)
      inputs[1]?.accumulate(
        mapped(mapped(quotient, x, Kernels.multiply), y, Kernels.divide).affine(-1, 0))
    }
  }

  /// Every element times `factor`.
  public static func * (tensor: Tensor, factor: Float) -> Tensor { tensor.scaled(factor, plus: 0) }
  /// Every element times `factor`.
  public static func * (factor: Float, tensor: Tensor) -> Tensor { tensor.scaled(factor, plus: 0) }
  /// Every element divided by `divisor`.
  public static func / (tensor: Tensor, divisor: Float) -> Tensor {
    tensor.scaled(1 / divisor, plus: 0)
  }
  /// Every element plus `term`.
  public static func + (tensor: Tensor, term: Float) -> Tensor { tensor.scaled(1, plus: term) }
  /// Every element minus `term`.
  public static func - (tensor: Tensor, term: Float) -> Tensor { tensor.scaled(1, plus: -term) }
  /// Every element with the other sign.
  public static prefix func - (tensor: Tensor) -> Tensor { tensor.scaled(-1, plus: 0) }

  /// `factor * x + term` for every element.
  public func scaled(_ factor: Float, plus term: Float) -> Tensor {
    detached.affine(factor, term).recorded(from: [self]) { gradient, inputs in
      inputs[0]?.accumulate(gradient.affine(factor, 0))
    }
  }

  /// The square root of every element.
  ///
  /// Saves the result.
  public var squareRoot: Tensor {
    let result = detached.mapped(Kernels.squareRoot)
    return result.recorded(from: [self]) { gradient, inputs in
      inputs[0]?.accumulate(Self.mapped(gradient, result, Kernels.divide).affine(0.5, 0))
    }
  }

  /// The exponential of every element.
  ///
  /// Saves the result.
  public var exponential: Tensor {
    let result = detached.mapped(Kernels.exponential)
    return result.recorded(from: [self]) { gradient, inputs in
      inputs[0]?.accumulate(Self.mapped(gradient, result, Kernels.multiply))
    }
  }

  /// The elements repeated along new axes in front and axes of size 1, as NumPy broadcasts.
  ///
  /// Saves nothing; a copy. Backward sums over the repeated axes.
  public func broadcast(to shape: [Int]) -> Tensor {
    if shape == self.shape { return self }
    let own = Array(repeating: 1, count: max(0, shape.count - self.shape.count)) + self.shape
    precondition(
      own.count == shape.count && zip(own, shape).allSatisfy { $0 == $1 || $0 == 1 },
      "broadcast: shape \(self.shape) to \(shape)")
    let result = Tensor(uninitialized: shape)
    Kernels.broadcast(detached.contiguous.reshaped(own), to: result)
    return result.recorded(from: [self]) { gradient, inputs in
      inputs[0]?.accumulateFromZero {
        Kernels.addBroadcast(gradient.contiguous, into: $0.reshaped(own))
      }
    }
  }

  /// Both operands in the shape that they broadcast to.
  private static func aligned(_ left: Tensor, _ right: Tensor) -> (Tensor, Tensor) {
    let shape = broadcastShape(left.shape, right.shape)
    return (left.broadcast(to: shape).contiguous, right.broadcast(to: shape).contiguous)
  }

  private static func broadcastShape(_ a: [Int], _ b: [Int]) -> [Int] {
    let rank = max(a.count, b.count)
    let left = Array(repeating: 1, count: rank - a.count) + a
    let right = Array(repeating: 1, count: rank - b.count) + b
    return zip(left, right).map { x, y in
      precondition(x == y || x == 1 || y == 1, "broadcast: shapes \(a) and \(b)")
      return x == 1 ? y : x
    }
  }
}

// MARK: Not recorded

extension Tensor {
  package func affine(_ factor: Float, _ term: Float) -> Tensor {
    let result = Tensor(uninitialized: shape)
    Kernels.affine(contiguous, scale: factor, shift: term, to: result)
    return result
  }

  func mapped(_ function: Kernels.Unary) -> Tensor {
    let result = Tensor(uninitialized: shape)
    Kernels.map(contiguous, to: result, function)
    return result
  }

  static func mapped(_ a: Tensor, _ b: Tensor, _ function: Kernels.Binary) -> Tensor {
    let result = Tensor(uninitialized: a.shape)
    Kernels.map(a.contiguous, b.contiguous, to: result, function)
    return result
  }
}
