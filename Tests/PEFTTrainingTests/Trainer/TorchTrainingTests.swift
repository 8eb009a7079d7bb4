import Foundation
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// A training of Tests/Fixtures/Training/gpt2 against the same one in PyTorch and transformers.
final class TorchTrainingTests: XCTestCase {
  func testTrainingEqualsTorch() throws {
    let folder = Files.fixture("Training/gpt2")
    let run = try JSON(parsing: Data(contentsOf: folder.appendingPathComponent("run.json")))
    func integer(_ name: String) throws -> Int { try XCTUnwrap(run[name]?.integer) }
    func numbers(_ name: String) throws -> [Double] {
      try XCTUnwrap(run[name]?.elements?.compactMap(\.number))
    }
    let examples = try XCTUnwrap(run["rows"]?.elements).map { row in
      let ids = try XCTUnwrap(row["ids"]?.elements?.compactMap(\.integer)).map(Int32.init)
      let prompt = try XCTUnwrap(row["prompt"]?.integer)
      return TrainingExample(
        ids: ids, labels: ids.enumerated().map { $0 < prompt ? TokenBatch.ignored : $1 })
    }
    let model = try CausalLM(directory: folder.path)
    model.unfreeze()
    let trainer = Trainer(
      model,
      optimizer: AdamW(
        model.parameters(.trainable), learningRate: try XCTUnwrap(run["rate"]?.number)),
      schedule: .cosine(warmup: try integer("warmup")),
      settings: TrainerSettings(
        duration: .epochs(2), accumulation: try integer("accumulation"),
        maximumGradientNorm: try XCTUnwrap(run["clip"]?.number)))
    let batches = TokenBatches(examples, batchSize: try integer("batch"))
    var steps: [TrainingEvent.Step] = []
    try trainer.run(batches) { event in
      if case .step(let step) = event { steps.append(step) }
      return true
    }
    // Roundings grow from step to step, as the steps of AdamW divide by small roots.
    expectClose(steps.map { Float($0.loss) }, try numbers("losses"), relative: 2e-5, "losses")
    expectClose(steps.map { Float($0.gradientNorm) }, try numbers("norms"), relative: 1e-4, "norms")
    expectClose(steps.map { Float($0.learningRate) }, try numbers("rates"), relative: 1e-6, "rates")
    let evaluation = try trainer.evaluate(batches)
    XCTAssertEqual(
      evaluation.loss, try XCTUnwrap(run["evaluation"]?.number), accuracy: 2e-5 * evaluation.loss)
  }
}
