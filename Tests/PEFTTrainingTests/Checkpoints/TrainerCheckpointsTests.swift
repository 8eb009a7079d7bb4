import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// Checkpoints that a sequence of events writes by itself.
final class TrainerCheckpointsTests: XCTestCase {
  func testTheyAreWrittenEverySoManyStepsAndAfterTheLast() async throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let trainer = try Self.trainer(folder.path, steps: 5)
    let checkpoints = TrainingCheckpoints(folder.path + "/run", keeping: 9)
    var seen: [[Int]] = []
    for try await event in trainer.fit(Self.batches, checkpoints: checkpoints, every: 2) {
      if case .step = event { seen.append(checkpoints.steps) }
    }
    XCTAssertEqual(seen, [[], [], [2], [2], [2, 4]])
    XCTAssertEqual(checkpoints.steps, [2, 4, 5])
  }

  func testACancelledTrainingEndsWithACheckpointFromWhichItGoesOnToTheSameBits() async throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let whole = try Self.trainer(folder.path, steps: 6)
    for try await _ in whole.fit(Self.batches) {}

    let path = folder.path
    let task = Task { await TrainerCheckpointsTests.isCancelledOnItsWay(path) }
    let isCancelled = await task.value
    XCTAssertTrue(isCancelled)
    let checkpoints = TrainingCheckpoints(folder.path + "/run")
    XCTAssertEqual(checkpoints.steps, [3])
    let second = try Self.trainer(folder.path, steps: 6)
    try XCTUnwrap(try checkpoints.latest().checkpoint).restore(second)
    for try await _ in second.fit(Self.batches, checkpoints: checkpoints, every: 100) {}
    XCTAssertEqual(checkpoints.steps, [3, 6])
    let (expected, found) = (Self.values(whole), Self.values(second))
    XCTAssertFalse(expected.isEmpty)
    XCTAssertEqual(expected, found)
  }

  /// Trains until the third step, which cancels the task; whether the training ended by that.
  private static func isCancelledOnItsWay(_ folder: String) async -> Bool {
    do {
      let trainer = try trainer(folder, steps: 6)
      let checkpoints = TrainingCheckpoints(folder + "/run")
      for try await event in trainer.fit(batches, checkpoints: checkpoints, every: 100) {
        if case .step(let step) = event, step.progress.step == 3 {
          withUnsafeCurrentTask { $0?.cancel() }
        }
      }
      return false
    } catch {
      XCTAssertTrue(error is CancellationError, "\(error)")
      return error is CancellationError
    }
  }

  // MARK: Support

  private static let batches: TokenBatches = {
    let (ids, labels) = TinyModel.rows(6, seed: 5)
    return TokenBatches(
      zip(ids, labels).map { TrainingExample(ids: $0, labels: $1) }, batchSize: 3,
      order: .shuffled(seed: 2))
  }()

  /// A folder with a model in it.
  private static func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "peft-\(UUID().uuidString)")
    try TinyModel.make(dropout: 0.1).save(to: folder.path + "/base")
    return folder
  }

  private static func trainer(_ folder: String, steps: Int) throws -> Trainer<CausalLM> {
    let model = try CausalLM(directory: folder + "/base")
    try model.attach(LoRA(rank: 2, dropout: 0.1, targets: .allLinear))
    model.embeddingNoise = 5
    return Trainer(
      model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-2),
      schedule: .linear(), settings: TrainerSettings(duration: .steps(steps)))
  }

  private static func values(_ trainer: Trainer<CausalLM>) -> [[UInt32]] {
    trainer.model.parameters(.trainable).map { $0.parameter.value.array.map(\.bitPattern) }
  }
}
