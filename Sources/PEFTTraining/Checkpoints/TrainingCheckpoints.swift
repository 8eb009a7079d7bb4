import Foundation
import PEFTAdapters
import PEFTCheckpoints
public import PEFTTransformer

/// The checkpoints of one training, in folders `checkpoint-N` after N steps.
///
///     let checkpoints = TrainingCheckpoints("run", keeping: 2)
///     if let last = try checkpoints.latest().checkpoint { try last.restore(trainer) }
///     try trainer.run(data) { event in
///       if case .step(let step) = event, step.progress.step % 100 == 0 { try checkpoints.save(trainer) }
///       return true
///     }
///
/// Each is a folder of the adapters, as `Adapter.save` writes it and Hugging Face PEFT loads it, and beside it what must be
/// kept to continue to the bit. It gets its name when all of it is on the disk; older ones are removed after that.
public struct TrainingCheckpoints: Sendable {
  /// The folder that holds the checkpoints.
  public let folder: String
  /// How many of the newest are kept; the one with the best evaluation stays in addition.
  public let keeping: Int

  /// The checkpoints in a folder, which need not exist yet.
  public init(_ folder: String, keeping: Int = 2) {
    precondition(keeping > 0, "TrainingCheckpoints: \(keeping) are kept")
    (self.folder, self.keeping) = (folder, keeping)
  }

  /// After which steps there are checkpoints, the oldest first.
  public var steps: [Int] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.compactMap(Self.step).sorted()
  }

  /// The path of the checkpoint after a number of steps.
  public func path(step: Int) -> String { "\(folder)/checkpoint-\(step)" }

  /// The folder of the checkpoint with the best evaluation.
  public var bestPath: String { "\(folder)/\(Self.bestName)" }

  /// What that folder is called.
  public static let bestName = "checkpoint-best"

  /// The number of steps in the name of a checkpoint; nil for another name.
  public static func step(_ name: String) -> Int? {
    guard name.hasPrefix("checkpoint-"), let step = Int(name.dropFirst(11)), step >= 0,
      name == "checkpoint-\(step)"
    else { return nil }
    return step
  }

  /// Writes a checkpoint, and removes those that are not kept.
  ///
  /// - Parameters:
  ///   - trainer: has taken some steps; must not take one meanwhile.
  ///   - settings: what a continued training must have in common with this one, by name.
  ///   - more: writes further files into the folder before it gets its name, as a tokenizer that the adapters need.
  /// - Returns: the path of the checkpoint.
  /// - Throws: `AdapterError` or `CheckpointError` where something cannot be written; earlier checkpoints are untouched then.
  @discardableResult
  public func save<Model: TrainableModel & AdapterHost>(
    _ trainer: Trainer<Model>, settings: [String: String] = [:],
    besides more: (_ folder: String) throws -> Void = { _ in }
  ) throws -> String {
    try makeFolder(folder)
    removeRemains(in: folder)
    let path = path(step: trainer.stepCount)
    try atomicallyWriteFolder(path) {
      try TrainingCheckpoint.write(trainer, settings, to: $0, besides: more)
    }
    let others = steps.filter { $0 != trainer.stepCount }
    for step in others.dropLast(keeping - 1) where step != trainer.record.best?.step {
      try atomicallyRemoveFolder(self.path(step: step))
    }
    return path
  }

  /// Writes a checkpoint in the place of the best one so far; call it after an evaluation that is the best.
  ///
  ///     if case .evaluation(let evaluation) = event, evaluation.isBest { try checkpoints.saveBest(trainer) }
  ///
  /// - Parameters:
  ///   - trainer: has just been evaluated.
  ///   - settings: as in `save`.
  ///   - more: as in `save`.
  /// - Returns: the path of the checkpoint.
  /// - Throws: `AdapterError` or `CheckpointError` where something cannot be written; the earlier one is untouched then.
  @discardableResult
  public func saveBest<Model: TrainableModel & AdapterHost>(
    _ trainer: Trainer<Model>, settings: [String: String] = [:],
    besides more: (_ folder: String) throws -> Void = { _ in }
  ) throws -> String {
    try makeFolder(folder)
    removeRemains(in: folder)
    try atomicallyWriteFolder(bestPath) {
      try TrainingCheckpoint.write(trainer, settings, to: $0, besides: more)
    }
    return bestPath
  }

  /// The newest checkpoint that is as it was written.
  ///
  /// - Returns: the checkpoint, nil where there is none, and what is wrong with newer ones.
  /// - Throws: the error of the newest where there are checkpoints and all of them are damaged.
  public func latest() throws -> (checkpoint: TrainingCheckpoint?, damaged: [any Error]) {
    var damaged: [any Error] = []
    for step in steps.reversed() {
      do {
        return (try TrainingCheckpoint(path(step: step)), damaged)
      } catch {
        damaged.append(error)
      }
    }
    if let error = damaged.first { throw error }
    return (nil, [])
  }
}
