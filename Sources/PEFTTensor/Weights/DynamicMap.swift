internal import CPEFTKernels

/// The 256 numbers in -1...1 that eight-bit codes stand for, closer together towards 0.
///
/// Each power of ten from 1e-7 to 1 is covered by twice as many numbers as the one below it ("8-bit
/// Approximations for Parallelism in Deep Learning", arXiv 1511.04561), in bitsandbytes' variant:
/// sorted, with 0 and 1 but without -1.
package struct DynamicMap: Sendable {
  /// For numbers of either sign.
  package static let signed = DynamicMap(isSigned: true)
  /// For numbers from 0 on, with twice the resolution.
  package static let unsigned = DynamicMap(isSigned: false)

  /// The numbers, rising.
  package let values: [Float]
  /// The numbers, and then the code of each of 65,536 evenly spread points of -1...1.
  let storage: Storage

  private init(isSigned: Bool) {
    var values: [Float] = [0, 1]
    for (decade, power) in [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1e0].enumerated() {
      let ends = Self.spread(isSigned ? 1 << decade : 2 << decade)
      for (low, high) in zip(ends, ends.dropFirst()) {
        let value = Float(power) * ((low + high) / 2)
        values.append(value)
        if isSigned { values.append(-value) }
      }
    }
    values.sort()
    self.values = values
    storage = Storage(byteCount: MemoryLayout<peft_dynamic_map>.size)
    Kernels.fill(storage, values: values, grid: Self.grid(values))
  }

  /// The ends of so many equal parts of 0.1...1, rounded as PyTorch does: from the nearer end.
  private static func spread(_ parts: Int) -> [Float] {
    let step = (1 - Float(0.1)) / Float(parts)
    return (0...parts).map { index in
      if index < (parts + 1) / 2 { return Float(0.1).addingProduct(step, Float(index)) }
      return Float(1).addingProduct(-step, Float(parts - index))
    }
  }

  /// The nearest code for every point, the lower of two that are as near.
  private static func grid(_ values: [Float]) -> [UInt8] {
    var code = 0
    return (0..<65_536).map { point in
      let x = Float(point) * (2 / 65_535) - 1
      while code != 255, (values[code] + values[code + 1]) / 2 < x { code += 1 }
      return UInt8(code)
    }
  }
}
