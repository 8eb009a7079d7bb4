import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
public import PEFTTransformer

/// A training as it stood after some step; see `TrainingCheckpoints`.
///
/// `training_state.safetensors` holds the trained parameters, the state of the optimiser and those of the adapters' controllers;
/// `checkpoint.json` the rest, with size and checksum of every file.
public struct TrainingCheckpoint: Sendable {
  /// The folder.
  public let path: String
  /// After how many steps it was made.
  public let step: Int
  /// What a continued training must have in common with the one that made it.
  public let settings: [String: String]
  private let randomState: UInt64
  private let record: EvaluationRecord
  private let hyperparameters: Hyperparameters?
  private let recent: (losses: [Double], gradientNorms: [Double])
  private let patience: (best: Double?, misses: Int)?
  private let dataCursor: DataCursor?

  private static let manifest = "checkpoint.json"
  private static let stateFile = "training_state.safetensors"
  private static let version = 1

  /// Reads a checkpoint and compares every file with its checksum.
  ///
  /// - Parameter path: the folder.
  /// - Throws: `TrainingError.damagedCheckpoint`, `CheckpointError`.
  public init(_ path: String) throws {
    self.path = path
    let file = try ConfigurationFile(path: "\(path)/\(Self.manifest)")
    let json = JSON.object(file.members)
    func damage(_ expected: String) -> TrainingError {
      .damagedCheckpoint(path: file.path, expected: expected, found: "something else")
    }
    guard json["version"]?.integer == Self.version else {
      throw damage("\"version\" \(Self.version)")
    }
    guard let step = json["step"]?.integer, step >= 0,
      let random = json["random_state"]?.string.flatMap({ UInt64($0) }),
      let settings = json["settings"]?.members, let files = json["files"]?.members
    else { throw damage("step, random_state, settings and files") }
    (self.step, randomState) = (step, random)
    self.settings = Dictionary(
      settings.map { ($0.name, $0.value.string ?? "") }, uniquingKeysWith: { $1 })
    record = EvaluationRecord(
      lastStep: json["evaluated_step"]?.integer,
      best: json["best_step"]?.integer.flatMap { step in
        json["best_loss"]?.number.map { .init(step: step, loss: $0) }
      })
    hyperparameters = json["learning_rate"]?.number.map {
      Hyperparameters(
        learningRate: $0, maximumGradientNorm: json["clip"]?.number,
        embeddingNoise: json["noise"]?.number)
    }
    func numbers(_ name: String) -> [Double] { json[name]?.elements?.compactMap(\.number) ?? [] }
    recent = (numbers("recent_losses"), numbers("recent_gradient_norms"))
    patience = json["misses"]?.integer.map { (json["least_loss"]?.number, $0) }
    dataCursor = json["data"].flatMap(DataCursor.init)
    for member in files {
      let found = try FileChecksum(path: "\(path)/\(member.name)")
      guard member.value["bytes"]?.integer == found.byteCount,
        member.value["checksum"]?.string == found.description
      else {
        throw TrainingError.damagedCheckpoint(
          path: "\(path)/\(member.name)", expected: member.value.text(.compact),
          found: "\(found.byteCount) bytes, checksum \(found)")
      }
    }
  }

  /// Puts a trainer, its optimiser, its model and the adapters where they stood.
  ///
  /// The trainer must have been made as the one that was saved: with the same data, settings and optimiser, and the same adapters
  /// attached in the same way. The next step then has the same bits as if nothing had been between.
  ///
  /// - Parameter trainer: has taken no step.
  /// - Throws: `TrainingError.stateMismatch`, `AdapterError` and `CheckpointError` where something does not fit; do not train on after
  ///   that.
  public func restore<Model: TrainableModel & AdapterHost>(_ trainer: Trainer<Model>) throws {
    var state = try Self.read("\(path)/\(Self.stateFile)")
    func take(_ prefix: String) -> [String: Tensor] {
      let names = state.keys.filter { $0.hasPrefix(prefix) }
      return Dictionary(
        uniqueKeysWithValues: names.map {
          (String($0.dropFirst(prefix.count)), state.removeValue(forKey: $0)!)
        })
    }
    let parts = try Self.parts(of: trainer.model)
    for (name, parameter) in parts {
      guard let tensor = state.removeValue(forKey: name) else {
        throw TrainingError.stateMismatch(
          name: name, expected: "shape \(parameter.shape)", found: "nothing")
      }
      guard tensor.shape == parameter.shape else {
        throw TrainingError.stateMismatch(
          name: name, expected: "shape \(parameter.shape)", found: "shape \(tensor.shape)")
      }
      parameter.value = tensor
    }
    for adapter in trainer.model.trainedAdapters {
      let saved = take("controller.\(adapter.name)/")
      if let controller = adapter.controller { try controller.restore(saved) }
    }
    let (optimizer, average) = (take("optimizer."), take("average."))
    if let name = state.keys.min() {
      throw TrainingError.stateMismatch(
        name: name, expected: "what the model trains", found: "an entry of nothing")
    }
    try trainer.restore(
      TrainerState(
        stepCount: step, randomState: randomState, record: record, dataCursor: dataCursor,
        optimizer: optimizer, hyperparameters: hyperparameters, average: average,
        recentLosses: recent.losses, recentGradientNorms: recent.gradientNorms))
    if let patience {
      trainer.earlyStopping?.resume(best: patience.best, misses: patience.misses)
    }
  }

  // MARK: Writing

  static func write<Model: TrainableModel & AdapterHost>(
    _ trainer: Trainer<Model>, _ settings: [String: String], to folder: String,
    besides more: (_ folder: String) throws -> Void
  ) throws {
    let model = trainer.model
    func saveAdapters() throws {
      for adapter in model.trainedAdapters { try adapter.save(to: folder) }
    }
    if let average = trainer.average {
      try average.use(saveAdapters)
    } else {
      try saveAdapters()
    }
    let state = trainer.state
    var items = try parts(of: model).map { SafetensorsFile.Item($0.name, $0.parameter.value) }
    for adapter in model.trainedAdapters {
      for (name, tensor) in adapter.controller?.state ?? [:] {
        items.append(.init("controller.\(adapter.name)/\(name)", tensor))
      }
    }
    items += state.optimizer.map { .init("optimizer.\($0)", $1) }
    items += state.average.map { .init("average.\($0)", $1) }
    try SafetensorsFile.write(items, to: "\(folder)/\(stateFile)")
    try more(folder)
    let sums = try files(in: folder).map { name in
      let sum = try FileChecksum(path: "\(folder)/\(name)")
      return JSON.Member(
        name,
        .object([
          .init("bytes", .integer(sum.byteCount)), .init("checksum", .string(sum.description)),
        ]))
    }
    let manifest: [JSON.Member] = [
      .init("version", .integer(version)), .init("step", .integer(state.stepCount)),
      .init("random_state", .string("\(state.randomState)")),
      .init("evaluated_step", state.record.lastStep.map(JSON.integer) ?? .null),
      .init("best_step", (state.record.best?.step).map(JSON.integer) ?? .null),
      .init("best_loss", (state.record.best?.loss).map(JSON.number) ?? .null),
      .init("learning_rate", (state.hyperparameters?.learningRate).map(JSON.number) ?? .null),
      .init("clip", (state.hyperparameters?.maximumGradientNorm).map(JSON.number) ?? .null),
      .init("noise", (state.hyperparameters?.embeddingNoise).map(JSON.number) ?? .null),
      .init("recent_losses", .array(state.recentLosses.map(JSON.number))),
      .init("recent_gradient_norms", .array(state.recentGradientNorms.map(JSON.number))),
      .init("misses", (state.earlyStopping?.misses).map(JSON.integer) ?? .null),
      .init("least_loss", (state.earlyStopping?.best).map(JSON.number) ?? .null),
      .init("data", state.dataCursor?.json ?? .null),
      .init(
        "settings", .object(settings.sorted { $0.key < $1.key }.map { .init($0, .string($1)) })),
      .init("files", .object(sums)),
    ]
    try atomicallyWrite(JSON.object(manifest).text(.indented), to: "\(folder)/\(self.manifest)")
  }

  private static func files(in folder: String) throws -> [String] {
    let files = FileManager.default
    return try files.subpathsOfDirectory(atPath: folder).sorted().filter { name in
      var isFolder: ObjCBool = false
      return files.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
        && !isFolder.boolValue
    }
  }

  /// What is kept of a model: everything that is trained, and what else the adapters hold.
  private static func parts(
    of model: some AdapterHost
  ) throws -> [(name: String, parameter: Parameter)] {
    var seen: Set<ObjectIdentifier> = []
    let trained = model.parameters(.trainable).map { ("parameter.\($0.path)", $0.parameter) }
    let kept = model.trainedAdapters.flatMap { adapter in
      adapter.tensors.filter { $0.role != .derived }
        .map { ("adapter.\(adapter.name)/\($0.name)", $0.parameter) }
    }
    return (trained + kept).filter { seen.insert(ObjectIdentifier($0.1)).inserted }
  }

  private static func read(_ path: String) throws(CheckpointError) -> [String: Tensor] {
    let file = try SafetensorsFile(path: path)
    var tensors: [String: Tensor] = [:]
    // The optimiser writes into its tensors, which must not be pages of the file.
    for name in file.names { tensors[name] = try file.tensor(name).copied() }
    return tensors
  }
}

extension AdapterHost {
  /// The adapters that take part in a training.
  var trainedAdapters: [Adapter] {
    adapters.attachments.compactMap { $0 as? Adapter }
      .filter { $0.isActive && $0.isTrainable && !$0.isMerged }
  }
}

extension DataCursor {
  /// The place as a checkpoint has it; nil where the numbers are missing.
  fileprivate init?(_ json: JSON) {
    guard let epoch = json["epoch"]?.integer, let batch = json["batch"]?.integer else { return nil }
    self.init(epoch: epoch, batch: batch)
    if let rows = json["rows"]?.integer, let tokens = json["tokens"]?.integer,
      let total = json["total_tokens"]?.integer, rows >= 0, tokens >= 0
    {
      stream = Stream(rows: rows, tokens: tokens, total: total)
    }
  }

  fileprivate var json: JSON {
    var members: [JSON.Member] = [
      .init("epoch", .integer(epoch)), .init("batch", .integer(batch)),
    ]
    if let stream {
      members += [
        .init("rows", .integer(stream.rows)), .init("tokens", .integer(stream.tokens)),
        .init("total_tokens", .integer(stream.total)),
      ]
    }
    return .object(members)
  }
}
