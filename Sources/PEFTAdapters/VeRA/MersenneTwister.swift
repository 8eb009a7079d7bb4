/// The generator mt19937 (Matsumoto and Nishimura, 1998) with PyTorch's conversion to float32, to the bit.
///
/// PyTorch's generator on the CPU is this one; `uniform_` takes the low 24 bits of every number.
struct MersenneTwister {
  private var state: [UInt32]
  private var position = Self.size
  private static let size = 624
  private static let middle = 397

  /// Starts from the low 32 bits of a seed, as PyTorch does.
  init(seed: Int) {
    state = [UInt32(truncatingIfNeeded: seed)]
    for index in 1..<Self.size {
      let last = state[index - 1]
      state.append(1_812_433_253 &* (last ^ last >> 30) &+ UInt32(index))
    }
  }

  /// The next 32 random bits.
  mutating func next() -> UInt32 {
    if position == Self.size { renew() }
    var bits = state[position]
    position += 1
    bits ^= bits >> 11
    bits ^= bits << 7 & 0x9D2C_5680
    bits ^= bits << 15 & 0xEFC6_0000
    return bits ^ bits >> 18
  }

  /// What `uniform_` fills a tensor with.
  mutating func uniform(_ range: Range<Float>, count: Int) -> [Float] {
    let width = Double(range.upperBound - range.lowerBound)
    return (0..<count).map { _ in
      Float(Double(next() & 0xFF_FFFF) * 0x1p-24 * width + Double(range.lowerBound))
    }
  }

  private mutating func renew() {
    for index in 0..<Self.size {
      let bits = state[index] & 0x8000_0000 | state[(index + 1) % Self.size] & 0x7FFF_FFFF
      let twisted = bits >> 1 ^ (bits & 1 == 0 ? 0 : 0x9908_B0DF)
      state[index] = state[(index + Self.middle) % Self.size] ^ twisted
    }
    position = 0
  }
}
