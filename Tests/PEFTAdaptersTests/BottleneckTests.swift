import Foundation
import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class BottleneckTests: XCTestCase {
  func testContract() throws {
    for placement in Bottleneck.Placement.allCases {
      try checkAdapter(Bottleneck(width: 4, placement: placement)) { $0.mergeTolerance = nil }
    }
  }

  func testContractNearTheIdentity() throws {
    var method = Bottleneck(width: 4, activation: .relu)
    (method.initialization, method.trainsNorms) = (.normal(1e-3), false)
    try checkAdapter(method, precisions: [.float32]) {
      $0.mergeTolerance = nil
      $0.identityTolerance = 1e-4
    }
  }

  func testPlaces() throws {
    func paths(_ family: String, _ placement: Bottleneck.Placement) throws -> [String] {
      var method = Bottleneck(placement: placement)
      method.trainsNorms = false
      return try method.plan(try TestModels.make(family)).matches.map(\.path)
    }
    XCTAssertEqual(
      try paths("gpt2", .houlsby),
      [0, 1].flatMap { ["transformer.h.\($0).attn.c_proj", "transformer.h.\($0).mlp.c_proj"] })
    XCTAssertEqual(
      try paths("gpt2", .pfeiffer), [0, 1].map { "transformer.h.\($0).mlp.c_proj" })
    XCTAssertEqual(
      try paths("llama", .houlsby),
      [0, 1].flatMap {
        ["model.layers.\($0).self_attn.o_proj", "model.layers.\($0).mlp.down_proj"]
      })
    XCTAssertEqual(
      try paths("llama", .pfeiffer), [0, 1].map { "model.layers.\($0).mlp.down_proj" })
  }

  func testCounts() throws {
    let model = try TestModels.make("gpt2")
    let adapter = try model.attach(Bottleneck(width: 4))
    // Four adapters of 2 m D + m + D, and five norms with their biases.
    XCTAssertEqual(adapter.parameterCount, 4 * (2 * 4 * 32 + 4 + 32) + 5 * 64)
  }

  /// `h + U tanh(D h + d) + u`, in Double.
  func testFormula() throws {
    let host = OneLayer(inputs: 5, outputs: 6)
    let method = Bottleneck(width: 3, activation: .tanh, targets: .names(["layer"]))
    let adapter = try host.attach(method)
    adapter.randomize()
    let layer = try XCTUnwrap(adapter.layers(of: BottleneckLayer.self).first?.layer)
    var expected = host.expected()
    var narrow = expected * DoubleMatrix(layer.down.weight.value).transposed
    for row in 0..<3 {
      for (index, bias) in layer.down.bias.value.array.enumerated() {
        narrow[row, index] = tanh(narrow[row, index] + Double(bias))
      }
    }
    let wide = narrow * DoubleMatrix(layer.up.weight.value).transposed
    for row in 0..<3 {
      for (index, bias) in layer.up.bias.value.array.enumerated() {
        expected[row, index] += wide[row, index] + Double(bias)
      }
    }
    expectClose(host().array, expected.values, absolute: 1e-5)
  }

  func testCannotBeMerged() throws {
    let model = try TestModels.make("llama")
    let adapter = try model.attach(Bottleneck(width: 4))
    let error = expectAdapterError { try model.merge() }
    XCTAssertEqual(error?.label, "notAdaptable model.layers.0.self_attn.o_proj")
    XCTAssert("\(error as Any)".contains("activation"), "\(error as Any)")
    XCTAssertFalse(adapter.isMerged)
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("llama")
    XCTAssertEqual(
      expectAdapterError { try model.attach(Bottleneck(width: 0)) }?.label, "invalidSetting width")
    var method = Bottleneck()
    method.initialization = .normal(.nan)
    XCTAssertEqual(
      expectAdapterError { try model.attach(method) }?.label, "invalidSetting initialization")
  }
}
