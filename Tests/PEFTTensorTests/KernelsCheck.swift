import CPEFTKernels
import Foundation
import XCTest

/// What the tests of the kernels share: lengths, seeded values, guarded outputs and comparisons.
enum KernelsCheck {
  /// Lengths around the vector widths of all instruction sets.
  static let lengths = [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257, 1000]

  /// Runs the body once for each instruction set the processor has, then restores the one in use.
  static func forEachInstructionSet(_ body: (String) throws -> Void) rethrows {
    let original = String(cString: peft_instruction_set())
    defer { _ = peft_use_instruction_set(original) }
    for name in ["scalar", "avx2", "avx512", "avx512bf16", "neon"]
    where peft_use_instruction_set(name) == 1 {
      try body(name)
    }
  }

  /// Runs the body for each instruction set and each length.
  static func forEachLength(_ body: (String, Int) throws -> Void) rethrows {
    try forEachInstructionSet { name in
      for length in lengths { try body("\(name), n = \(length)", length) }
    }
  }

  /// Seeded values, evenly spread over the range.
  static func values(_ count: Int, seed: UInt64, in range: ClosedRange<Float> = -3...3) -> [Float] {
    var generator = KernelsGenerator(state: seed)
    return (0..<count).map { _ in Float.random(in: range, using: &generator) }
  }

  /// What the body leaves in an array that starts as `initial`, is not aligned to a vector, and lies
  /// between guards that must stay as they are.
  static func output(
    _ initial: [Float], file: StaticString = #filePath, line: UInt = #line,
    _ body: (UnsafeMutablePointer<Float>) -> Void
  ) -> [Float] {
    let margin = 33
    let guardValue: Float = 12345
    let edge = [Float](repeating: guardValue, count: margin)
    var whole = edge + initial + edge
    whole.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { body(base + margin) }
    }
    XCTAssertEqual(Array(whole.prefix(margin)), edge, "written before", file: file, line: line)
    XCTAssertEqual(Array(whole.suffix(margin)), edge, "written beyond", file: file, line: line)
    return Array(whole[margin..<(margin + initial.count)])
  }

  /// What the body leaves in a new array of so many elements.
  static func output(
    count: Int, file: StaticString = #filePath, line: UInt = #line,
    _ body: (UnsafeMutablePointer<Float>) -> Void
  ) -> [Float] {
    output([Float](repeating: -77, count: count), file: file, line: line, body)
  }

  /// Compares with a Double reference in units of float's last place, at least those of `floor`.
  static func expect(
    _ actual: [Float], _ reference: [Double], ulps: Double, floor: Double = 1e-7, _ label: String,
    file: StaticString = #filePath, line: UInt = #line
  ) {
    XCTAssertEqual(actual.count, reference.count, label, file: file, line: line)
    var worst = (error: 0.0, index: 0)
    for (index, (value, expected)) in zip(actual, reference).enumerated() {
      if expected.isNaN && value.isNaN { continue }
      if Float(expected).isInfinite && value == Float(expected) { continue }
      let unit = Double(Float(max(abs(expected), floor)).ulp)
      let error = abs(Double(value) - expected) / unit
      if !(error <= worst.error) { worst = (error, index) }
    }
    XCTAssert(
      worst.error <= ulps,
      "\(label): \(worst.error) ulp at \(worst.index), "
        + "\(actual.isEmpty ? 0 : actual[worst.index]) for "
        + "\(reference.isEmpty ? 0 : reference[worst.index])", file: file, line: line)
  }
}

/// SplitMix64, so that the values are the same in every run.
struct KernelsGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
