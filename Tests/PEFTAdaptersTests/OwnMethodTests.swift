import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// A method that a user of the package wrote.
final class OwnMethodTests: XCTestCase {
  /// Adds a trained vector to every output of a layer.
  private struct Shift: AdapterMethod, Codable {
    static let type = "SHIFT"
    var selection = ModuleSelection(.names(["q_proj", "down_proj"]))
    var size: Float = 0

    func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
      guard let layer = site.linear else {
        throw .notAdaptable(module: site.path, reason: "it is not linear")
      }
      let (shape, size) = ([layer.outputs], size)
      return LayerBlueprint(
        TensorsBlueprint([.init("shift", shape)]) { _ in
          ["shift": Tensor(repeating: size, shape: shape)]
        }
      ) { ShiftLayer(shift: $0["shift"]!) }
    }
  }

  private final class ShiftLayer: LinearAdapterLayer {
    let shift: Parameter
    init(shift: Parameter) { self.shift = shift }

    func forward(
      _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
    ) -> Tensor { inner(input) + shift.tensor }

    func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap {
      guard let bias = map.bias else {
        throw .notAdaptable(module: path, reason: "it has no bias")
      }
      return AffineMap(weight: map.weight, bias: bias + shift.value)
    }
  }

  func testItIsTrainedSavedAndLoaded() throws {
    let model = try TestModels.make("llama")
    let before = model.sample
    var method = Shift()
    method.size = 0.5
    let adapter = try model.attach(method)
    XCTAssertNotEqual(model.sample.bits, before.bits)
    model.loss(model.batch).backward()
    XCTAssertEqual(model.parameters(.trainable).count, 4)
    XCTAssert(adapter.parameters.allSatisfy { $0.gradient != nil })
    adapter.randomize()
    let adapted = model.sample
    let error = expectAdapterError { try model.merge() }
    XCTAssertEqual(error?.label, "notAdaptable model.layers.0.self_attn.q_proj")

    try Files.withTemporaryFolder { folder in
      try adapter.save(to: folder.path)
      let other = try TestModels.make("llama")
      let loaded = try other.loadAdapter(folder.path, as: Shift.self)
      XCTAssertEqual((loaded.method as? Shift)?.size, 0.5)
      XCTAssertEqual(other.sample.bits, adapted.bits)
      // It is not one of the package's own.
      let error = expectAdapterError { try other.loadAdapter(folder.path, name: "again") }
      XCTAssert(error?.description.contains("SHIFT") ?? false, error?.description ?? "")
    }
    try model.detach("default")
    XCTAssertEqual(model.sample.bits, before.bits)
  }

  func testSettingsThatAreLostAreAnError() throws {
    /// Not Codable.
    struct Bare: AdapterMethod {
      static let type = "BARE"
      var selection = ModuleSelection()
      func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
        try Shift().blueprint(site)
      }
    }
    let model = try TestModels.make("llama")
    let adapter = try model.attach(Bare())
    try Files.withTemporaryFolder { folder in
      let error = expectAdapterError { try adapter.save(to: folder.path) }
      XCTAssertEqual(error?.label, "wrongState")
    }
  }
}
