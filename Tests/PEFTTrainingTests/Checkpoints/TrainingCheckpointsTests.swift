import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class TrainingCheckpointsTests: XCTestCase {
  func testTheNewestAndTheBestAreKept() throws {
    try withRun { checkpoints, trainer in
      for step in 1...5 {
        try trainer.run(Self.batches, evaluationData: Self.batches) { event in
          switch event {
          case .step: step == 2
          case .evaluation: false
          default: true
          }
        }
        try checkpoints.save(trainer)
      }
      let best = try XCTUnwrap(trainer.record.best)
      XCTAssertTrue(checkpoints.steps.contains(best.step))
      XCTAssertEqual(
        Array(checkpoints.steps.suffix(2)), [trainer.stepCount - 1, trainer.stepCount])
      XCTAssertLessThanOrEqual(checkpoints.steps.count, 3)
      let latest = try XCTUnwrap(try checkpoints.latest().checkpoint)
      let other = try Self.trainer(checkpoints.folder + "/../base")
      try latest.restore(other)
      XCTAssertEqual(other.record, trainer.record)
    }
  }

  func testEveryDamageIsFoundAndAnOlderOneTaken() throws {
    for file in ["checkpoint.json", "training_state.safetensors", "adapter_model.safetensors"] {
      for damage in Damage.allCases {
        try withRun { checkpoints, trainer in
          for _ in 1...2 { try Self.step(trainer, checkpoints) }
          try damage.act(on: checkpoints.path(step: 2) + "/" + file)
          let (checkpoint, damaged) = try checkpoints.latest()
          XCTAssertEqual(checkpoint?.step, 1, "\(file) \(damage)")
          XCTAssertEqual(damaged.count, 1)
          XCTAssertTrue("\(damaged)".contains(file), "\(damaged)")
          try damage.act(on: checkpoints.path(step: 1) + "/" + file)
          XCTAssertThrowsError(try checkpoints.latest(), "\(file) \(damage)")
          // A new one takes the place of the damaged one.
          try checkpoints.save(trainer)
          XCTAssertEqual(try checkpoints.latest().checkpoint?.step, 2)
        }
      }
    }
  }

  private enum Damage: CaseIterable {
    case cut, flippedByte, removed

    func act(on path: String) throws {
      let url = URL(fileURLWithPath: path)
      var bytes = try Data(contentsOf: url)
      switch self {
      case .cut: try bytes.dropLast(bytes.count / 2).write(to: url)
      case .flippedByte:
        bytes[bytes.count - 3] ^= 4
        try bytes.write(to: url)
      case .removed: try FileManager.default.removeItem(at: url)
      }
    }
  }

  func testAFailedWriteLeavesEarlierCheckpoints() throws {
    try withRun { checkpoints, trainer in
      try Self.step(trainer, checkpoints)
      let before = try Self.listing(checkpoints.folder)
      // A limit on the size of files is what a full disk is to a writer.
      try withFileSizeLimit(2000) {
        XCTAssertThrowsError(try Self.step(trainer, checkpoints)) { error in
          XCTAssertTrue("\(error)".contains(checkpoints.folder), "\(error)")
        }
      }
      XCTAssertEqual(try Self.listing(checkpoints.folder), before)
      XCTAssertEqual(try checkpoints.latest().checkpoint?.step, 1)
      try checkpoints.save(trainer)
      XCTAssertEqual(checkpoints.steps, [1, 2])
    }
  }

  func testRemainsOfADeadProcessAreCleared() throws {
    try withRun { checkpoints, trainer in
      let remains = checkpoints.folder + "/.peft-dead.tmp"
      try makeFolder(remains)
      try atomicallyWrite([1], to: remains + "/adapter_config.json")
      XCTAssertNil(try checkpoints.latest().checkpoint)
      try Self.step(trainer, checkpoints)
      XCTAssertEqual(try Self.listing(checkpoints.folder), ["checkpoint-1"])
    }
  }

  func testAnotherModelOrOptimizerIsRefused() throws {
    try withRun { checkpoints, trainer in
      try Self.step(trainer, checkpoints)
      let checkpoint = try XCTUnwrap(try checkpoints.latest().checkpoint)
      let base = checkpoints.folder + "/../base"
      XCTAssertThrowsError(try checkpoint.restore(try Self.trainer(base, rank: 3))) { error in
        guard case TrainingError.stateMismatch(let name, let expected, let found) = error else {
          return XCTFail("\(error)")
        }
        XCTAssertTrue(name.contains("lora_A"), name)
        XCTAssertEqual([expected, found], ["shape [3, 16]", "shape [2, 16]"])
      }
      let other = try Self.trainer(base)
      let sgd = Trainer(
        other.model, optimizer: SGD(other.model.parameters(.trainable)), settings: other.settings)
      XCTAssertThrowsError(try checkpoint.restore(sgd))
    }
  }

  // MARK: Support

  private static let batches: TokenBatches = {
    let (ids, labels) = TinyModel.rows(6, seed: 5)
    return TokenBatches(
      zip(ids, labels).map { TrainingExample(ids: $0, labels: $1) }, batchSize: 3)
  }()

  private func withRun(
    _ body: (TrainingCheckpoints, Trainer<CausalLM>) throws -> Void
  ) throws {
    try Files.withTemporaryFolder { folder in
      let base = folder.path + "/base"
      try TinyModel.make().save(to: base)
      try body(TrainingCheckpoints(folder.path + "/run"), try Self.trainer(base))
    }
  }

  private static func trainer(_ base: String, rank: Int = 2) throws -> Trainer<CausalLM> {
    let model = try CausalLM(directory: base)
    try model.attach(LoRA(rank: rank, targets: .allLinear))
    return Trainer(
      model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-2),
      settings: TrainerSettings(duration: .steps(50), evaluationInterval: 1))
  }

  private static func step(
    _ trainer: Trainer<CausalLM>, _ checkpoints: TrainingCheckpoints
  ) throws {
    try trainer.run(batches) { _ in false }
    try checkpoints.save(trainer)
  }

  private static func listing(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }
}
