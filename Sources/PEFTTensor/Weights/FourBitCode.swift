internal import CPEFTKernels

/// The sixteen numbers in -1...1 that codes of four bits stand for.
public enum FourBitCode: String, Sendable, Hashable, CaseIterable {
  /// NormalFloat: as many normally distributed numbers are near each of them (arXiv 2305.14314).
  case nf4
  /// A float with a sign, two bits of exponent and one of mantissa, the largest of which is 1.
  case fp4

  /// The number of each code.
  package var values: [Float] { self == .nf4 ? Self.normal : Self.float }

  private static let normal: [Float] = [
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
  ]

  private static let float: [Float] =
    [0, 0.0625, 8, 12, 4, 6, 2, 3, 0, -0.0625, -8, -12, -4, -6, -2, -3].map { $0 / 12 }

  /// The codes in the order of their numbers; of the two zeros the positive one comes first, as in bitsandbytes.
  var order: [UInt8] {
    let values = values
    return (0..<16).sorted { (values[$0], $0) < (values[$1], $1) }.map(UInt8.init)
  }

  /// The code that stands for 0.
  var zero: UInt8 { order[7] }

  /// The numbers, what lies between two neighbours, and the order, as kernels read them.
  var table: Storage { self == .nf4 ? Self.normalTable : Self.floatTable }

  private static let normalTable = nf4.makeTable()
  private static let floatTable = fp4.makeTable()

  private func makeTable() -> Storage {
    let (values, order) = (values, order)
    let sorted = order.map { values[Int($0)] }
    let middles = zip(sorted, sorted.dropFirst()).map { ($0 + $1) / 2 } + [1]
    let result = Storage(byteCount: MemoryLayout<peft_four_bit_code>.size)
    result.address.copyMemory(from: values, byteCount: 64)
    result.address.advanced(by: 64).copyMemory(from: middles, byteCount: 64)
    result.address.advanced(by: 128).copyMemory(from: order, byteCount: 16)
    return result
  }
}
