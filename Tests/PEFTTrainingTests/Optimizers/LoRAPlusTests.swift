import PEFTTensor
import PEFTTraining
import PEFTTransformer
import XCTest

final class LoRAPlusTests: XCTestCase {
  func testGroups() {
    let matrix = Tensor(zeros: [2, 2])
    let vector = Tensor(zeros: [2])
    let parameters = Bag([
      ("model.layers.0.q_proj.lora_A.default.weight", Parameter(matrix)),
      ("model.layers.0.q_proj.lora_B.default.weight", Parameter(matrix)),
      ("model.layers.0.q_proj.lora_B.default.bias", Parameter(vector)),
      ("model.layers.0.q_proj.lora_magnitude_vector.default.weight", Parameter(vector)),
      ("model.layers.0.input_layernorm.weight", Parameter(vector)),
      ("model.embed_tokens.lora_embedding_A.default", Parameter(matrix)),
      ("model.embed_tokens.lora_embedding_B.default", Parameter(matrix)),
    ]).parameters()
    let groups = ParameterGroup.loRAPlus(
      parameters, learningRate: 1e-4, ratio: 8, weightDecay: 0.01)
    XCTAssertEqual(
      groups.map {
        $0.parameters.map { $0.path.split(separator: ".").suffix(3).joined(separator: ".") }
      },
      [
        ["lora_A.default.weight"],
        ["embed_tokens.lora_embedding_A.default", "embed_tokens.lora_embedding_B.default"],
        ["lora_B.default.weight", "lora_magnitude_vector.default.weight"],
        ["lora_B.default.bias", "0.input_layernorm.weight"],
      ])
    XCTAssertEqual(groups.map(\.learningRateFactor), [1, 1e-6 / 1e-4, 8, 8])
    XCTAssertEqual(groups.map(\.weightDecay), [0.01, 0.01, 0.01, 0])
  }

  func testEmptyGroupsAreLeftOut() {
    let groups = ParameterGroup.loRAPlus(
      Bag([("a.lora_B.weight", Parameter(Tensor(zeros: [1, 1])))]).parameters(), learningRate: 1)
    XCTAssertEqual(groups.map(\.learningRateFactor), [16])
  }
}
