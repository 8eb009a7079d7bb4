package import PEFTTensor

/// The element types of the safetensors format.
///
/// The order of the cases is the order of the format: files are written with the last one first, so
/// that every tensor is aligned to its own element.
public enum DType: String, Sendable, Hashable, CaseIterable {
  /// One byte, 0 or 1.
  case bool = "BOOL"
  /// Four bits.
  case float4 = "F4"
  /// Six bits, two of them exponent.
  case float6e2m3 = "F6_E2M3"
  /// Six bits, three of them exponent.
  case float6e3m2 = "F6_E3M2"
  /// An unsigned byte.
  case uint8 = "U8"
  /// A signed byte.
  case int8 = "I8"
  /// Eight bits, five of them exponent.
  case float8e5m2 = "F8_E5M2"
  /// Eight bits, four of them exponent.
  case float8e4m3 = "F8_E4M3"
  /// Eight bits of exponent.
  case float8e8m0 = "F8_E8M0"
  /// Eight bits, four of them exponent, without a negative zero.
  case float8e4m3fnuz = "F8_E4M3FNUZ"
  /// Eight bits, five of them exponent, without a negative zero.
  case float8e5m2fnuz = "F8_E5M2FNUZ"
  /// A signed 16-bit integer.
  case int16 = "I16"
  /// An unsigned 16-bit integer.
  case uint16 = "U16"
  /// IEEE 754 binary16.
  case float16 = "F16"
  /// The upper half of binary32.
  case bfloat16 = "BF16"
  /// A signed 32-bit integer.
  case int32 = "I32"
  /// An unsigned 32-bit integer.
  case uint32 = "U32"
  /// IEEE 754 binary32.
  case float32 = "F32"
  /// Two float32, real and imaginary.
  case complex64 = "C64"
  /// IEEE 754 binary64.
  case float64 = "F64"
  /// A signed 64-bit integer.
  case int64 = "I64"
  /// An unsigned 64-bit integer.
  case uint64 = "U64"

  /// The size of one element in bits.
  public var bitCount: Int {
    switch self {
    case .float4: 4
    case .float6e2m3, .float6e3m2: 6
    case .bool, .uint8, .int8, .float8e5m2, .float8e4m3, .float8e8m0, .float8e4m3fnuz,
      .float8e5m2fnuz:
      8
    case .int16, .uint16, .float16, .bfloat16: 16
    case .int32, .uint32, .float32: 32
    case .complex64, .float64, .int64, .uint64: 64
    }
  }

  /// Whether `Tensor` can be read from it and written to it.
  public var isReal: Bool { numberFormat != nil }

  /// Whether `Indices` can be read from it and written to it.
  public var isInteger: Bool { integerRange != nil }

  /// The layout of a number that a tensor can be made of.
  package var numberFormat: NumberFormat? {
    switch self {
    case .float64: .float64
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    default: nil
    }
  }

  /// The values of an integer type that `Indices` can hold.
  package var integerRange: ClosedRange<Int64>? {
    switch self {
    case .bool: 0...1
    case .uint8: 0...255
    case .int8: -128...127
    case .int16: -32768...32767
    case .int32, .int64: Int64(Int32.min)...Int64(Int32.max)
    default: nil
    }
  }

  /// The place in the order of the cases.
  package var rank: Int { Self.ranks[self] ?? 0 }

  private static let ranks = Dictionary(
    uniqueKeysWithValues: allCases.enumerated().map { ($1, $0) })
}
