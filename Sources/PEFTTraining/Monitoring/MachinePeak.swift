public import PEFTTensor

/// How fast this machine multiplies large matrices with this library: what a training can come up to.
public struct MachinePeak: Sendable, Hashable {
  /// Thousand millions of multiplications and additions a second, with weights in float32.
  public let float32: Double
  /// The same with weights in bfloat16, which codes in eight and four bits become on the way.
  public let bfloat16: Double

  /// Rates that are known.
  public init(float32: Double, bfloat16: Double) {
    (self.float32, self.bfloat16) = (float32, bfloat16)
  }

  /// The rate that weights of a precision can come up to.
  public func gigaflops(_ precision: Precision) -> Double {
    precision == .float32 ? float32 : bfloat16
  }

  /// Measures products of two matrices of 1024 rows and columns, the best of some.
  ///
  /// It takes a few tenths of a second and some ten megabytes.
  public static func measured() -> MachinePeak {
    var generator = Generator(seed: 0)
    let size = 1024
    let x = Tensor(uniform: -1..<1, shape: [size, size], using: &generator)
    func rate(_ precision: Precision) -> Double {
      let weight = Parameter(x, isTrainable: false)
      weight.store(as: precision, .outputInput)
      let operand = weight.operand(.outputInput)
      let clock = ContinuousClock()
      // The first one warms up caches and threads.
      let times = (0..<6).map { _ in
        clock.measure { _ = withoutGradients { x.linear(operand) } } / .seconds(1)
      }
      let best = times.dropFirst().min() ?? .infinity
      return best > 0 ? 2 * Double(size * size * size) / best / 1e9 : 0
    }
    return MachinePeak(float32: rate(.float32), bfloat16: rate(.bfloat16))
  }
}
