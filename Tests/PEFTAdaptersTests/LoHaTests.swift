import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class LoHaTests: XCTestCase {
  /// Rank 2 is computed as a branch of rank 4, rank 6 by the whole matrix.
  func testContract() throws {
    try checkAdapter(LoHa(rank: 2, alpha: 8))
    try checkAdapter(LoHa(rank: 6, alpha: 12), precisions: [.float32])
  }

  func testBothWaysAreTheFormula() throws {
    for (rank, isBranch) in [(2, true), (5, false)] {
      let host = OneLayer(inputs: 12, outputs: 16)
      let method = LoHa(rank: rank, alpha: 3, targets: .names(["layer"]))
      let adapter = try host.attach(method)
      adapter.randomize()
      let layer = try XCTUnwrap(adapter.layers(of: LoHaLayer.self).first?.layer)
      XCTAssertEqual(layer.isAdditive, isBranch)
      func product(_ pair: (a: Parameter, b: Parameter)) -> DoubleMatrix {
        DoubleMatrix(pair.a.value) * DoubleMatrix(pair.b.value)
      }
      var change = product(layer.first)
      let second = product(layer.second)
      for index in change.values.indices {
        change.values[index] *= second.values[index] * 3 / Double(rank)
      }
      expectClose(host().array, host.expected(change: change).values, absolute: 1e-5)
    }
  }

  /// Dropped rows leave the base, the others are divided by their share; a dropped branch leaves the base alone.
  func testDropout() throws {
    for rank in [2, 5] {
      let host = OneLayer(inputs: 12, outputs: 16)
      let base = host().array
      var method = LoHa(rank: rank, targets: .names(["layer"]))
      method.rankDropout = 0.4
      try host.attach(method).randomize()
      let (whole, dropped) = (host().array, host(dropout: DropoutKeys(seed: 1)).array)
      let kept = (0..<16).filter { abs(dropped[$0] - base[$0]) > 1e-6 }
      XCTAssert((4..<16).contains(kept.count), "\(kept.count) rows")
      for index in kept {
        let expected = base[index] + (whole[index] - base[index]) * 16 / Float(kept.count)
        XCTAssertEqual(dropped[index], expected, accuracy: 1e-5)
      }

      method.rankDropout = 0
      method.moduleDropout = 0.5
      try host.attach(method, name: "other").randomize()
      let keys = DropoutKeys(seed: 1)
      let outputs = (0..<40).map { _ in host(dropout: keys).array }
      let (all, none) = (host().array, outputs.filter { $0 == base }.count)
      XCTAssert((10...30).contains(none), "\(none) of 40 dropped")
      XCTAssert(outputs.allSatisfy { $0 == base || $0 == all })
    }
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("llama")
    func label(_ change: (inout LoHa) -> Void) -> String? {
      var method = LoHa()
      change(&method)
      return expectAdapterError { try model.attach(method) }?.label
    }
    XCTAssertEqual(label { $0.rank = -1 }, "invalidSetting rank")
    XCTAssertEqual(label { $0.alpha = .nan }, "invalidSetting alpha")
    XCTAssertEqual(label { $0.rankDropout = 1 }, "invalidSetting rank_dropout")
    XCTAssertEqual(label { $0.moduleDropout = -0.1 }, "invalidSetting module_dropout")
    XCTAssertEqual(
      label { $0.rankPattern = [.init("nothing", 2)] }, "deadPatterns rank_pattern")
    XCTAssertEqual(
      label { $0.selection.targets = .names(["embed_tokens"]) },
      "notAdaptable model.embed_tokens")
  }
}
