import Foundation
import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class QuantumPEFTTests: XCTestCase {
  private let frames: [QuantumPEFT.Frame] = [.pauli(layers: 2), .taylor(order: 8), .cayley]

  func testContract() throws {
    var method = QuantumPEFT(rank: 16)
    method.scale = 8
    try checkAdapter(method) {
      // A long step turns far, and the large scale makes more of a storage's rounding.
      $0.slopeStep = min($0.slopeStep, 0.02)
      if $0.mergeTolerance == 2e-2 { $0.mergeTolerance = 5e-2 }
    }
  }

  func testContractOfTheOtherFrames() throws {
    for frame in frames.dropFirst() {
      var method = QuantumPEFT(rank: 4, frame: frame)
      method.scale = 8
      try checkAdapter(method, families: ["gpt2"], precisions: [.float32])
    }
  }

  /// The counts of the paper, for M = N = 32: the MLP's width of 72 has no power of two.
  func testCounts() throws {
    let model = try TestModels.make("llama")
    func count(_ rank: Int, _ frame: QuantumPEFT.Frame, _ target: String) throws -> Int {
      let method = QuantumPEFT(rank: rank, frame: frame, targets: .names([target]))
      return try method.plan(model).trainableCount / 2
    }
    for (layers, rank) in [(1, 4), (3, 8)] {
      let angles = (2 * layers + 1) * 5 - 2 * layers
      XCTAssertEqual(try count(rank, .pauli(layers: layers), "q_proj"), 2 * angles + rank)
    }
    let overlapping = 2 * (3 * 6 - 2)
    XCTAssertEqual(
      try count(4, .pauli(layers: 1), "up_proj"), overlapping + 3 * 5 - 2 + 4)
    for rank in [1, 4, 32] {
      XCTAssertEqual(try count(rank, .cayley, "q_proj"), 2 * 32 * rank - rank * rank)
      XCTAssertEqual(try count(rank, .taylor(order: 3), "q_proj"), 2 * 32 * rank - rank * rank)
    }
  }

  func testColumnsAreOrthonormal() throws {
    for frame in frames {
      let model = try TestModels.make("llama")
      let adapter = try model.attach(
        QuantumPEFT(rank: 6, frame: frame, targets: .names(["up_proj"])))
      adapter.randomize(5, 0.05)
      for (_, layer) in adapter.layers(of: QuantumPEFTLayer.self) {
        for rows in [layer.u, layer.v] {
          let matrix = DoubleMatrix(rows)
          let products = (matrix * matrix.transposed).values
          for (product, expected) in zip(products, DoubleMatrix.identity(6).values) {
            XCTAssertEqual(product, expected, accuracy: 1e-6, "\(frame)")
          }
        }
      }
    }
  }

  /// B = (0.1, 0.2, 0.3) below the first unit vector: the column is (cos |B|, sin |B| B / |B|).
  func testKnownColumns() throws {
    let model = MatrixModel([Tensor(zeros: [4, 4])])
    let norm = 0.14.squareRoot()
    let angles: [(QuantumPEFT.Frame, Double, Double)] = [
      (.taylor(order: 6), 1e-6, norm), (.taylor(order: 20), 1e-7, norm),
      (.cayley, 1e-7, 2 * atan(norm / 2)),
    ]
    for (frame, tolerance, angle) in angles {
      let adapter = try model.attach(
        QuantumPEFT(rank: 1, frame: frame, targets: .names(["0"])))
      let named = adapter.tensors.first { $0.name.hasSuffix("quantum_u") }
      named?.parameter.value = Tensor([0.1, 0.2, 0.3], shape: [3, 1])
      let layer = try XCTUnwrap(adapter.layers(of: QuantumPEFTLayer.self).first?.layer)
      expectClose(
        layer.u.array, [cos(angle)] + [0.1, 0.2, 0.3].map { sin(angle) * $0 / norm },
        absolute: tolerance, "\(frame)")
      try model.detach("default")
    }
    XCTAssertEqual(cos(norm), 0.930812856, accuracy: 1e-6)
  }

  /// A change of rank 1 is found by the angles.
  func testLearnsAMatrix() throws {
    for (frame, limit) in [(QuantumPEFT.Frame.cayley, 1e-4 as Float), (.pauli(layers: 3), 0.8)] {
      let model = MatrixModel([try MatrixModel.teacher([1.5], size: 8, seed: 2)])
      try model.attach(QuantumPEFT(rank: 1, frame: frame, targets: .names(["0"])))
      let before = model.loss.item
      model.train(steps: 250, rate: 0.05)
      XCTAssertLessThan(model.loss.item, limit * before, "\(frame)")
    }
  }

  func testFolders() throws {
    for frame in frames {
      let model = try TestModels.make("llama")
      var method = QuantumPEFT(rank: 5, frame: frame)
      method.scale = 0.5
      let adapter = try model.attach(method)
      adapter.randomize()
      try Files.withTemporaryFolder { root in
        try adapter.saveTwice(in: root)
        let other = try TestModels.make("llama")
        let loaded = try other.loadAdapter(root.path + "/a")
        XCTAssertEqual(other.sample.bits, model.sample.bits)
        XCTAssertEqual((loaded.method as? QuantumPEFT)?.frame, frame)
      }
    }
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("llama")
    func label(_ change: (inout QuantumPEFT) -> Void) -> String? {
      var method = QuantumPEFT(rank: 2)
      change(&method)
      return expectAdapterError { try model.attach(method) }?.label
    }
    XCTAssertEqual(label { $0.rank = 0 }, "invalidSetting r")
    XCTAssertEqual(label { $0.scale = .infinity }, "invalidSetting scale")
    XCTAssertEqual(label { $0.frame = .pauli(layers: -1) }, "invalidSetting layers")
    XCTAssertEqual(label { $0.frame = .taylor(order: 0) }, "invalidSetting order")
    XCTAssertEqual(label { $0.rank = 33 }, "notAdaptable model.layers.0.self_attn.q_proj")
    XCTAssertEqual(
      label { $0.targets = .names(["embed_tokens"]) }, "notAdaptable model.embed_tokens")
  }
}
