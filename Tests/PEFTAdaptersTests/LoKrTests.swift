import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class LoKrTests: XCTestCase {
  func testContract() throws {
    try checkAdapter(LoKr(rank: 2, alpha: 8))
    var method = LoKr(rank: 1, alpha: 4, targets: .allLinear)
    (method.decomposesBoth, method.initialization) = (true, .zeroSecond)
    try checkAdapter(method, precisions: [.float32])
  }

  /// M = 12 is 3 x 4 and N = 20 is 4 x 5, near the square roots; a factor of 2 makes 2 x 6 and 2 x 10.
  func testShapes() throws {
    func shapes(_ change: (inout LoKr) -> Void) throws -> [String: [Int]] {
      var method = LoKr(rank: 1, targets: .names(["layer"]))
      change(&method)
      let adapter = try OneLayer(inputs: 20, outputs: 12).attach(method)
      return Dictionary(
        uniqueKeysWithValues: adapter.tensors.map {
          (String($0.name.split(separator: ".").last ?? ""), $0.parameter.shape)
        })
    }
    XCTAssertEqual(
      try shapes { _ in }, ["lokr_w1": [3, 4], "lokr_w2_a": [4, 1], "lokr_w2_b": [1, 5]])
    XCTAssertEqual(try shapes { $0.rank = 3 }, ["lokr_w1": [3, 4], "lokr_w2": [4, 5]])
    XCTAssertEqual(
      try shapes { $0.factor = 2 },
      ["lokr_w1": [2, 2], "lokr_w2_a": [6, 1], "lokr_w2_b": [1, 10]])
    XCTAssertEqual(
      try shapes { $0.decomposesBoth = true },
      [
        "lokr_w1_a": [3, 1], "lokr_w1_b": [1, 4], "lokr_w2_a": [4, 1], "lokr_w2_b": [1, 5],
      ])
  }

  func testFormula() throws {
    for decomposesBoth in [false, true] {
      let host = OneLayer(inputs: 20, outputs: 12)
      var method = LoKr(rank: 1, alpha: 3, targets: .names(["layer"]))
      method.decomposesBoth = decomposesBoth
      let adapter = try host.attach(method)
      adapter.randomize()
      let layer = try XCTUnwrap(adapter.layers(of: LoKrLayer.self).first?.layer)
      func product(_ factors: [Parameter]) -> DoubleMatrix {
        let matrices = factors.map { DoubleMatrix($0.value) }
        return matrices.dropFirst().reduce(matrices[0]) { $0 * $1 }
      }
      let (left, right) = (product(layer.first), product(layer.second))
      var change = DoubleMatrix(rows: 12, columns: 20)
      for row in 0..<12 {
        for column in 0..<20 {
          change[row, column] =
            3 * left[row / right.rows, column / right.columns]
            * right[row % right.rows, column % right.columns]
        }
      }
      expectClose(host().array, host.expected(change: change).values, absolute: 1e-5)
    }
  }

  /// Without rescaling, what is left keeps its size.
  func testRankDropout() throws {
    for rescales in [false, true] {
      let host = OneLayer(inputs: 12, outputs: 16)
      let base = host().array
      var method = LoKr(rank: 2, targets: .names(["layer"]))
      (method.rankDropout, method.rescalesRankDropout) = (0.4, rescales)
      try host.attach(method).randomize()
      let (whole, dropped) = (host().array, host(dropout: DropoutKeys(seed: 1)).array)
      let kept = (0..<16).filter { abs(dropped[$0] - base[$0]) > 1e-6 }
      XCTAssert((4..<16).contains(kept.count), "\(kept.count) rows")
      let factor = rescales ? 16 / Float(kept.count) : 1
      for index in kept {
        let expected = base[index] + (whole[index] - base[index]) * factor
        XCTAssertEqual(dropped[index], expected, accuracy: 1e-5)
      }
    }
  }

  func testSettingsThatMakeNoSense() throws {
    var method = LoKr()
    method.factor = 0
    let model = try TestModels.make("llama")
    XCTAssertEqual(
      expectAdapterError { try model.attach(method) }?.label, "invalidSetting decompose_factor")
  }
}
