import CPEFTKernels
import Foundation
import PEFTTensor
import PEFTTestSupport
import XCTest

/// What codes of keys and values lose.
final class KeyValueErrorBoundTests: XCTestCase {
  /// Half a step of each element: groups are the channels of all keys of a block, and up to 64 channels of the value of a token.
  private func bounds(_ x: [Float], _ size: KeyValueBlock.Size, _ bits: Int, isKey: Bool)
    -> [Double]
  {
    let width = size.heads * size.width
    func bound(_ group: [Int]) -> Double {
      let values = group.map { Double(x[$0]) }
      let (low, high) = (values.min() ?? 0, values.max() ?? 0)
      // Beside half a step, the rounding of the step, of the sum and of the place between two codes.
      let largest = max(abs(low), abs(high))
      return (high - low) / Double(2 * ((1 << bits) - 1)) + 4 * largest * 0x1p-24
    }
    var result = [Double](repeating: 0, count: x.count)
    let places = (0..<size.tokens).flatMap { token in (0..<width).map { (token, $0) } }
    for (token, channel) in places {
      let head = channel / size.width
      let first = head * size.width + (channel - head * size.width) / 64 * 64
      let group =
        isKey
        ? (0..<size.tokens).map { $0 * width + channel }
        : (first..<min(first + 64, (head + 1) * size.width)).map { token * width + $0 }
      result[token * width + channel] = bound(group)
    }
    return result
  }

  private func coded(
    _ keys: Tensor, _ values: Tensor, _ size: KeyValueBlock.Size, bits: Int
  ) -> (keys: [Float], values: [Float]) {
    var row = KeyValueRow(size)
    row.append(keys: keys, values: values)
    row.encode(bits: bits, keeping: 0)
    XCTAssertEqual(row.heldBlocks.map(\.bits), [bits])
    let numbers = row.numbers(0..<size.tokens)
    return (numbers.keys.array, numbers.values.array)
  }

  private func expectWithin(
    _ actual: [Float], _ expected: Tensor, _ bounds: [Double], _ message: String,
    file: StaticString = #filePath, line: UInt = #line
  ) {
    let excess = zip(zip(actual, expected.array), bounds).map { pair, bound in
      abs(Double(pair.0) - Double(pair.1)) - bound
    }
    XCTAssertLessThanOrEqual(excess.max() ?? 1, 0, message, file: file, line: line)
  }

  func testEveryElementIsWithinHalfAStep() {
    let sizes = [
      KeyValueBlock.Size(tokens: 8, heads: 2, width: 64),
      KeyValueBlock.Size(tokens: 64, heads: 1, width: 16),
      KeyValueBlock.Size(tokens: 3, heads: 2, width: 7),
      KeyValueBlock.Size(tokens: 5, heads: 1, width: 1),
      KeyValueBlock.Size(tokens: 4, heads: 1, width: 100),
    ]
    KernelsCheck.forEachInstructionSet { name in
      for (seed, size) in sizes.enumerated() {
        var random = SeededRandom(UInt64(seed))
        let shape = [size.tokens, size.heads * size.width]
        // Channels of unlike sizes, as keys have them.
        let scales = Tensor((0..<shape[1]).map { Float($0 % 5 * $0 % 7 + 1) })
        let keys = random.tensor(shape) * scales
        let values = random.tensor(shape) * 0.3
        for bits in [4, 8] {
          let (k, v) = coded(keys, values, size, bits: bits)
          let label = "\(name) \(size) \(bits)"
          expectWithin(k, keys, bounds(keys.array, size, bits, isKey: true), label)
          expectWithin(v, values, bounds(values.array, size, bits, isKey: false), label)
          XCTAssertNotEqual(k, keys.array, label)
        }
      }
    }
  }

  func testTheBoundsOfAGroupAreKeptAndEqualNumbersAreExact() {
    let size = KeyValueBlock.Size(tokens: 4, heads: 1, width: 3)
    let keys = Tensor([1, 0.3, -2, 1, 0.3, 5, 1, 0.3, 0, 1, 0.3, 1], shape: [4, 3])
    let values = Tensor([7, 7, 7, -0.1, -0.1, -0.1, 0, 0, 0, -3, 1, 2], shape: [4, 3])
    for bits in [4, 8] {
      let (k, v) = coded(keys, values, size, bits: bits)
      for row in 0..<4 {
        XCTAssertEqual(k[3 * row], 1)
        XCTAssertEqual(k[3 * row + 1], 0.3)
      }
      XCTAssertEqual(k[2], -2)
      XCTAssertEqual(k[5], 5, accuracy: 1e-6)
      XCTAssertEqual(Array(v.prefix(9)), Array(values.array.prefix(9)))
      XCTAssertEqual(v[9], -3)
      XCTAssertEqual(v[11], 2, accuracy: 1e-6)
    }
  }

  func testNumbersThatAreNotFiniteSpoilTheirGroupAlone() {
    let size = KeyValueBlock.Size(tokens: 2, heads: 2, width: 3)
    for bad in [Float.nan, .infinity, -.infinity] {
      var numbers: [Float] = (0..<12).map(Float.init)
      numbers[7] = bad
      let tensor = Tensor(numbers, shape: [2, 6])
      for bits in [4, 8] {
        let (k, v) = coded(tensor, tensor, size, bits: bits)
        for place in 0..<12 {
          XCTAssertEqual(k[place].isNaN, place % 6 == 1, "\(bad) key \(place)")
          XCTAssertEqual(v[place].isNaN, (6..<9).contains(place), "\(bad) value \(place)")
        }
      }
    }
    // A range that float32 cannot hold.
    let wide = Tensor([-3e38, 3e38, 1, 1, 1, 1, 3e38, -3e38, 1, 1, 1, 1], shape: [2, 6])
    let (k, _) = coded(wide, wide, size, bits: 8)
    XCTAssertTrue(k[0].isNaN && k[1].isNaN)
    XCTAssertEqual(k[2], 1)
  }

  func testMemory() {
    let size = KeyValueBlock.Size(tokens: 64, heads: 12, width: 64)
    let numbers = 2 * 64 * 768
    var row = KeyValueRow(size)
    row.append(keys: Tensor(zeros: [64, 768]), values: Tensor(zeros: [64, 768]))
    XCTAssertEqual(row.heldBlocks[0].byteCount, 4 * numbers)
    // One scale and one lowest number in float32 for each 64 codes.
    for bits in [4, 8] {
      var coded = row
      coded.encode(bits: bits, keeping: 0)
      XCTAssertEqual(coded.heldBlocks[0].byteCount, numbers * (bits + 1) / 8)
    }
  }
}
