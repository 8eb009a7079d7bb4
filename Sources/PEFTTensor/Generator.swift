internal import Foundation

/// A seeded generator of random numbers: xoshiro256** (Blackman and Vigna, arXiv 1805.01407), started by SplitMix64.
///
/// The same seed gives the same numbers on every machine. Its state can be saved and restored.
public struct Generator: RandomNumberGenerator, Sendable, Hashable, Codable {
  private var state: [UInt64]

  /// A generator whose numbers depend on `seed` alone.
  public init(seed: UInt64) {
    var mixer = seed
    state = (0..<4).map { _ in
      mixer &+= 0x9E37_79B9_7F4A_7C15
      return Self.mix(mixer)
    }
  }

  /// SplitMix64's finaliser: a bijection of 64 bits whose outputs look random.
  package static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    let product = state[1] &* 5
    let result = (product << 7 | product >> 57) &* 9
    let shifted = state[1] << 17
    state[2] ^= state[0]
    state[3] ^= state[1]
    state[1] ^= state[2]
    state[0] ^= state[3]
    state[2] ^= shifted
    state[3] = state[3] << 45 | state[3] >> 19
    return result
  }

  /// A number in `0..<1` with 53 random bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A normally distributed number with mean 0 and deviation 1, by Box and Muller's transform.
  public mutating func normal() -> Double {
    let radius = (-2 * Foundation.log(1 - uniform())).squareRoot()
    return radius * Foundation.cos(2 * .pi * uniform())
  }
}

extension Tensor {
  /// A tensor of independent numbers, uniform in `range`, which may not be empty.
  public init(uniform range: Range<Float>, shape: [Int], using generator: inout Generator) {
    let width = Double(range.upperBound) - Double(range.lowerBound)
    // Rounding may reach the bound that the range leaves out.
    let largest = range.upperBound.nextDown
    self.init(
      (0..<shape.reduce(1, *)).map { _ in
        min(Float(Double(range.lowerBound) + width * generator.uniform()), largest)
      }, shape: shape)
  }

  /// A tensor of independent numbers, normal with mean 0 and the given deviation.
  public init(normal deviation: Float, shape: [Int], using generator: inout Generator) {
    self.init(
      (0..<shape.reduce(1, *)).map { _ in Float(Double(deviation) * generator.normal()) },
      shape: shape)
  }
}
