import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class CausalLMInterpolationTests: XCTestCase {
  func testEqualsAModelThatWasMadeWithLinearScaling() throws {
    // Transformers computed what is expected of this one.
    let item = try ModelFixture("llama-linear")
    let factor = try XCTUnwrap(item.model.positionFactor)
    XCTAssertGreaterThan(factor, 1)
    var configuration = item.model.configuration
    guard case .rotary(var scaling) = configuration.positions else { return XCTFail() }
    scaling.kind = .standard
    configuration.positions = .rotary(scaling)
    let model = try CausalLM(configuration, from: RandomParameters(seed: 0))
    for (own, other) in zip(model.parameters(), item.model.parameters()) {
      own.parameter.value = other.parameter.value
    }
    let ids = Indices(item.rows[0], shape: [1, item.rows[0].count])
    let (expected, before) = withoutGradients { (item.model(ids), model(ids)) }
    XCTAssertNotEqual(before.array, expected.array)
    try model.interpolatePositions(by: 2)
    try model.interpolatePositions(by: factor / 2)
    XCTAssertEqual(model.positionFactor, factor)
    XCTAssertEqual(withoutGradients { model(ids) }.array, expected.array)
    // Saved and read again.
    try Files.withTemporaryFolder { folder in
      try model.save(to: folder.path)
      let again = try CausalLM(directory: folder.path)
      XCTAssertEqual(again.positionFactor, factor)
      XCTAssertEqual(withoutGradients { again(ids) }.array, expected.array)
      // What a folder says is replaced, not kept.
      try again.interpolatePositions(by: 1 / factor)
      let other = folder.appendingPathComponent("other").path
      try again.save(to: other)
      XCTAssertEqual(try CausalLM(directory: other).positionFactor, 1)
      let plain = try CausalLM(directory: other)
      try plain.interpolatePositions(by: factor)
      try plain.save(to: other + "2")
      XCTAssertEqual(try CausalLM(directory: other + "2").positionFactor, factor)
    }
    try model.interpolatePositions(by: 1 / factor)
    XCTAssertEqual(withoutGradients { model(ids) }.array, before.array)
  }

  func testWhatCannotBeInterpolated() throws {
    for (name, factor) in [
      ("gpt2", 2.0), ("llama-llama3", 2), ("llama-dynamic", 2), ("llama", 0), ("llama", -1),
      ("llama", .nan), ("llama", .infinity),
    ] {
      let model = try ModelFixture(name).model
      XCTAssertThrowsError(try model.interpolatePositions(by: factor), name) {
        guard case .cannotInterpolate? = $0 as? ModelError else { return XCTFail("\($0)") }
      }
    }
  }
}
