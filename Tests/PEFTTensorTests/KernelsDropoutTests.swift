import CPEFTKernels
import XCTest

final class KernelsDropoutTests: XCTestCase {
  func testEachElementDependsOnKeyAndIndexAlone() {
    let n = 1000
    let x = KernelsCheck.values(n, seed: 81)
    var results = [[Float]]()
    KernelsCheck.forEachInstructionSet { label in
      let whole = KernelsCheck.output(count: n) { peft_dropout(x, $0, n, 0.3, 5, 40) }
      XCTAssertEqual(KernelsCheck.output(x) { peft_dropout($0, $0, n, 0.3, 5, 40) }, whole, label)
      for length in [1, 7, 33, 500] {
        var pieces = [Float]()
        for start in stride(from: 0, to: n, by: length) {
          let piece = Array(x[start..<min(start + length, n)])
          pieces += KernelsCheck.output(count: piece.count) {
            peft_dropout(piece, $0, piece.count, 0.3, 5, 40 + UInt64(start))
          }
        }
        XCTAssertEqual(pieces, whole, label)
      }
      results.append(whole)
    }
    for result in results { XCTAssertEqual(result, results[0], "the same in every set") }
  }

  func testKeptElementsAreScaled() {
    KernelsCheck.forEachLength { label, n in
      let x = KernelsCheck.values(n, seed: 82, in: 1...2)
      let y = KernelsCheck.output(count: n) { peft_dropout(x, $0, n, 0.25, 9, 0) }
      for (before, after) in zip(x, y) where after != 0 {
        XCTAssertEqual(Double(after), Double(before) / 0.75, accuracy: 1e-6, label)
      }
    }
  }

  func testRates() {
    let n = 200_000
    let ones = [Float](repeating: 1, count: n)
    KernelsCheck.forEachInstructionSet { label in
      for p in [0.05, 0.1, 0.5, 0.9] {
        for key: UInt64 in [0, 1, 2, .max] {
          let y = KernelsCheck.output(ones) { peft_dropout($0, $0, n, Float(p), key, 0) }
          let kept = Double(y.count { $0 != 0 }) / Double(n)
          // Five standard deviations of a binomial share.
          let deviation = (p * (1 - p) / Double(n)).squareRoot()
          XCTAssertEqual(kept, 1 - p, accuracy: 5 * deviation, "\(label) p \(p) key \(key)")
        }
      }
      XCTAssertEqual(KernelsCheck.output(ones) { peft_dropout($0, $0, n, 0, 3, 0) }, ones, label)
      let none = KernelsCheck.output(ones) { peft_dropout($0, $0, n, 1, 3, 0) }
      XCTAssert(none.allSatisfy { $0 == 0 }, label)
    }
  }

  func testNeighbouringKeysAreUnrelated() {
    let n = 100_000
    let ones = [Float](repeating: 1, count: n)
    func mask(_ key: UInt64) -> [Bool] {
      KernelsCheck.output(ones) { peft_dropout($0, $0, n, 0.5, key, 0) }.map { $0 != 0 }
    }
    let first = mask(1), second = mask(2)
    for shift in 0..<4 {
      let agreeing = (shift..<n).count { first[$0] == second[$0 - shift] }
      XCTAssertEqual(Double(agreeing) / Double(n - shift), 0.5, accuracy: 0.01)
    }
  }
}
