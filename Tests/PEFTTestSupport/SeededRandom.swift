public import PEFTTensor

/// Pseudo-random numbers (SplitMix64) that are the same in every run.
public struct SeededRandom: RandomNumberGenerator {
  private var state: UInt64

  /// A stream of its own for every seed.
  public init(_ seed: UInt64 = 0) { state = seed &* 0xD134_2543_DE82_EF95 &+ 0x9E37_79B9_7F4A_7C15 }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Numbers spread evenly over a range.
  public mutating func floats(_ count: Int, in range: ClosedRange<Float> = -1...1) -> [Float] {
    (0..<count).map { _ in Float.random(in: range, using: &self) }
  }

  /// A tensor of numbers spread evenly over a range.
  public mutating func tensor(_ shape: [Int], in range: ClosedRange<Float> = -1...1) -> Tensor {
    Tensor(floats(shape.reduce(1, *), in: range), shape: shape)
  }

  /// Whole numbers below `bound`.
  public mutating func indices(_ shape: [Int], below bound: Int) -> Indices {
    Indices(
      (0..<shape.reduce(1, *)).map { _ in Int32.random(in: 0..<Int32(bound), using: &self) },
      shape: shape)
  }
}
