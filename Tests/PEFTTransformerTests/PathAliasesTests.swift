import PEFTTransformer
import XCTest

final class PathAliasesTests: XCTestCase {
  func testPathsOfViTAreCalledAsInEarlierVersions() throws {
    let aliases = TransformerConfiguration.vit(
      imageSize: 4, patchSize: 2, width: 8, layers: 1, heads: 2
    ).names.aliases
    for (own, stored) in [
      ("vit.layers.10.attention.q_proj", "vit.encoder.layer.10.attention.attention.query"),
      ("layers.0.attention.k_proj.weight", "encoder.layer.0.attention.attention.key.weight"),
      ("vit.layers.0.attention.v_proj", "vit.encoder.layer.0.attention.attention.value"),
      ("vit.layers.0.attention.o_proj.bias", "vit.encoder.layer.0.attention.output.dense.bias"),
      ("vit.layers.0.mlp.fc1", "vit.encoder.layer.0.intermediate.dense"),
      ("vit.layers.0.mlp.fc2", "vit.encoder.layer.0.output.dense"),
      ("vit.layers.0.layernorm_before.weight", "vit.encoder.layer.0.layernorm_before.weight"),
      ("vit.layernorm", "vit.layernorm"), ("pooler.dense.weight", "pooler.dense.weight"),
      ("classifier", "classifier"),
      (
        "base_model.model.vit.layers.1.attention.q_proj.lora_A.weight",
        "base_model.model.vit.encoder.layer.1.attention.attention.query.lora_A.weight"
      ),
    ] {
      XCTAssertEqual(aliases.stored(own), stored)
      XCTAssertEqual(aliases.own(stored), own)
      XCTAssertEqual(aliases.own(own), own)
    }
    XCTAssertEqual(PathAliases.none.stored("a.layers.b"), "a.layers.b")
    XCTAssertTrue(PathAliases.none.isEmpty)
  }
}
