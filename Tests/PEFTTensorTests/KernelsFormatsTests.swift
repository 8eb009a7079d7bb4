import CPEFTKernels
import XCTest

final class KernelsFormatsTests: XCTestCase {
  private static let patterns = (0...UInt16.max).map { $0 }

  /// Values at and beside every boundary of rounding, and seeded bit patterns of all sizes.
  private static let floats: [Float] = {
    var bits = [UInt32]()
    for pattern in stride(from: UInt32(0), through: 0xffff, by: 1) {
      // A bfloat16, its neighbours, the middle towards the next and the neighbours of that.
      for low: UInt32 in [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff] { bits.append(pattern << 16 | low) }
    }
    #if !(os(macOS) && arch(x86_64))
      for pattern in UInt16(0)...0x7c00 {
        let value = Float(Float16(bitPattern: pattern))
        let middle = (value + Float(Float16(bitPattern: min(pattern + 1, 0x7bff)))) / 2
        for x in [value.nextDown, value, value.nextUp, middle.nextDown, middle, middle.nextUp] {
          bits.append(x.bitPattern)
          bits.append((-x).bitPattern)
        }
      }
    #endif
    for x: Float in [65504, 65519.996, 65520, 65536, 1e38, 0x1p-24, 0x1p-25, 0x1.000002p-25] {
      bits.append(x.bitPattern)
      bits.append((-x).bitPattern)
    }
    var generator = KernelsGenerator(state: 111)
    for _ in 0..<100_000 { bits.append(UInt32.random(in: 0...UInt32.max, using: &generator)) }
    return bits.map { Float(bitPattern: $0) }
  }()

  func testFloatFromBFloat16IsExact() {
    let expected = Self.patterns.map { UInt32($0) << 16 }
    KernelsCheck.forEachInstructionSet { label in
      let y = KernelsCheck.output(count: expected.count) {
        peft_float_from_bfloat16(Self.patterns, $0, expected.count)
      }
      XCTAssert(y.map(\.bitPattern) == expected, label)
    }
  }

  func testBFloat16FromFloatRoundsToNearestEven() {
    KernelsCheck.forEachInstructionSet { label in
      var y = [UInt16](repeating: 0, count: Self.floats.count)
      peft_bfloat16_from_float(Self.floats, &y, y.count)
      for (x, half) in zip(Self.floats, y) {
        let back = Float(bitPattern: UInt32(half) << 16)
        guard !x.isNaN else {
          XCTAssert(back.isNaN && back.sign == x.sign, "\(label) \(x.bitPattern)")
          continue
        }
        // The candidates are the two bfloat16 around x; the nearer wins, the even one of two equals.
        let below = x.bitPattern >> 16, rest = x.bitPattern & 0xffff
        let up = rest > 0x8000 || (rest == 0x8000 && below & 1 == 1)
        if UInt32(half) != below + (up ? 1 : 0) { XCTFail("\(label) \(x) gives \(back)") }
      }
    }
  }

  #if !(os(macOS) && arch(x86_64))
    func testFloatFromFloat16IsExact() {
      KernelsCheck.forEachInstructionSet { label in
        let y = KernelsCheck.output(count: Self.patterns.count) {
          peft_float_from_float16(Self.patterns, $0, Self.patterns.count)
        }
        for (pattern, value) in zip(Self.patterns, y) {
          let half = Float16(bitPattern: pattern)
          if half.isNaN ? !value.isNaN : value.bitPattern != Float(half).bitPattern {
            XCTFail("\(label) \(pattern) gives \(value)")
          }
        }
      }
    }

    func testFloat16FromFloatRoundsToNearestEven() {
      KernelsCheck.forEachInstructionSet { label in
        var y = [UInt16](repeating: 0, count: Self.floats.count)
        peft_float16_from_float(Self.floats, &y, y.count)
        for (x, pattern) in zip(Self.floats, y) {
          let half = Float16(bitPattern: pattern)
          if x.isNaN ? !half.isNaN : pattern != Float16(x).bitPattern {
            XCTFail("\(label) \(x) gives \(half)")
          }
        }
      }
    }
  #endif

  func testAllSetsGiveTheSameBits() {
    var results = [([UInt16], [UInt16], [UInt32])]()
    KernelsCheck.forEachInstructionSet { _ in
      var half = [UInt16](repeating: 0, count: Self.floats.count), brain = half
      peft_float16_from_float(Self.floats, &half, half.count)
      peft_bfloat16_from_float(Self.floats, &brain, brain.count)
      let wide = KernelsCheck.output(count: Self.patterns.count) {
        peft_float_from_float16(Self.patterns, $0, Self.patterns.count)
      }
      results.append((half, brain, wide.map(\.bitPattern)))
    }
    for result in results { XCTAssert(result == results[0]) }
  }

  func testUnalignedStorageAndEveryLength() {
    KernelsCheck.forEachLength { label, n in
      let x = KernelsCheck.values(n, seed: 112).map { ($0 * 8).rounded() / 8 }
      for (narrow, widen) in [
        (peft_float16_from_float, peft_float_from_float16),
        (peft_bfloat16_from_float, peft_float_from_bfloat16),
      ] {
        var bytes = [UInt8](repeating: 0xa5, count: 2 * n + 3)
        let y = KernelsCheck.output(count: n) { y in
          bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            narrow(x, base + 1, n)
            widen(base + 1, y, n)
          }
        }
        XCTAssertEqual(y, x, label)
        XCTAssertEqual([bytes[0]] + bytes[(2 * n + 1)...], [0xa5, 0xa5, 0xa5], label)
      }
    }
  }
}
