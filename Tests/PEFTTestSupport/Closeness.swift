public import PEFTTensor
import XCTest

/// Fails where an element differs by more than `absolute + relative * |expected|`, naming the worst.
public func expectClose(
  _ actual: [Float], _ expected: [Double], relative: Double = 0, absolute: Double = 0,
  _ message: String = "", file: StaticString = #filePath, line: UInt = #line
) {
  guard actual.count == expected.count else {
    return XCTFail(
      "\(message) \(actual.count) elements, expected \(expected.count)", file: file, line: line)
  }
  var worst: (index: Int, excess: Double)?
  for (index, (a, e)) in zip(actual, expected).enumerated() {
    if Double(a) == e || a.isNaN && e.isNaN { continue }
    let error = abs(Double(a) - e)
    let excess = error.isNaN ? .infinity : error / (absolute + relative * abs(e))
    if excess > worst?.excess ?? 1 { worst = (index, excess) }
  }
  if let worst {
    XCTFail(
      "\(message) element \(worst.index) is \(actual[worst.index]), expected \(expected[worst.index]): "
        + "\(worst.excess) times the tolerance", file: file, line: line)
  }
}

/// Fails where two tensors differ in shape, or an element by more than `absolute + relative * |expected|`.
public func expectClose(
  _ actual: Tensor, _ expected: Tensor, relative: Double = 0, absolute: Double = 0,
  _ message: String = "", file: StaticString = #filePath, line: UInt = #line
) {
  XCTAssertEqual(actual.shape, expected.shape, message, file: file, line: line)
  expectClose(
    actual.array, expected.array.map(Double.init), relative: relative, absolute: absolute, message,
    file: file, line: line)
}
