import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// A training that is interrupted twice ends with the bytes of one that was not.
final class TrainingCheckpointTests: XCTestCase {
  private typealias MakeOptimizer = ([NamedParameter]) -> any Optimizer
  private let adamW: MakeOptimizer = { AdamW($0, learningRate: 1e-2) }

  func testEveryMethod() throws {
    for (name, method) in Self.methods { try check(name, method, adamW) }
  }

  func testAveragesNoiseAndPatience() throws {
    let method = LoRA(rank: 2, alpha: 4, dropout: 0.1, targets: .allLinear)
    for kind in [WeightAverage.Kind.exponential(decay: 0.7), .last(4)] {
      try check("\(kind)", method, adamW) { trainer in
        trainer.average = WeightAverage(trainer.model.parameters(.trainable), kind)
        trainer.model.embeddingNoise = 5
        trainer.earlyStopping = EarlyStopping(patience: 7)
        trainer.adjust = { if $0.step == 5 { $1.learningRate = 3e-3 } }
      }
    }
  }

  /// The best checkpoint is put back over a model that has been trained further.
  func testTheBestIsPutBack() throws {
    for (name, method) in Self.methods {
      try Files.withTemporaryFolder { folder in
        let base = folder.path + "/base"
        try TinyModel.make(dropout: 0.1).save(to: base)
        let trainer = try start(base, method, adamW)
        let checkpoints = TrainingCheckpoints(folder.path + "/run")
        try stop(trainer, after: 4)
        try checkpoints.saveBest(trainer)
        try stop(trainer, after: 9)
        try TrainingCheckpoint(checkpoints.bestPath).restore(trainer)
        XCTAssertEqual(trainer.stepCount, 4)
        let kept = try Self.bytes(checkpoints.bestPath)
        for (file, bytes) in try saved(trainer.model, folder.path + "/end") {
          XCTAssertEqual(bytes, kept[file], "\(name) \(file)")
        }
        XCTAssertEqual(checkpoints.steps, [])
      }
    }
  }

  private static let methods: [(String, any AdapterMethod)] = {
    var pissa = LoRA(rank: 2, alpha: 4, targets: .allLinear)
    pissa.initialization = .pissa
    var dora = LoRA(rank: 2, alpha: 4, targets: .allLinear)
    dora.usesWeightDecomposition = true
    var ada = AdaLoRA(initialRank: 4, targetRank: 2, totalSteps: 9, targets: .allLinear)
    (ada.initialSteps, ada.finalSteps, ada.interval) = (2, 2, 1)
    var rosa = RoSA(rank: 2, density: 0.1, targets: .allLinear)
    rosa.schedule = .warmup(2)
    return [
      ("LoRA", LoRA(rank: 2, alpha: 4, dropout: 0.1, targets: .allLinear)),
      ("PiSSA", pissa), ("DoRA", dora), ("AdaLoRA", ada), ("RoSA", rosa),
      ("DyLoRA", DyLoRA(rank: 3, alpha: 4, targets: .allLinear)),
      ("Delta-LoRA", DeltaLoRA(rank: 2, alpha: 4, delay: 3, targets: .allLinear)),
      ("ROSA", RandomSubspace(rank: 2, interval: 2, targets: .allLinear)),
      ("prefix with its encoder", PrefixTuning(virtualTokens: 2, isProjected: true)),
      ("IA3", IA3()), ("VeRA", VeRA(rank: 4)),
    ]
  }()

  func testEveryOptimizer() throws {
    let method = LoRA(rank: 2, alpha: 4, targets: .allLinear)
    try check("AdamW8bit", method) { AdamW8bit($0, learningRate: 1e-2) }
    try check("SGD", method) { SGD($0, learningRate: 1e-2, momentum: 0.9) }
  }

  /// The place in a file that is read while the training runs is a part of the checkpoint.
  func testStreamedData() throws {
    let (ids, labels) = TinyModel.rows(14, seed: 5)
    let examples = zip(ids, labels).map { TrainingExample(ids: $0, labels: $1) }
    let rows = GeneratedRecords("rows") { place in
      place < examples.count
        ? DataRecord(line: place + 1, fields: [.init("text", .text("\(place)"))]) : nil
    }
    for size in [StreamSettings.Size.rows(3), .tokens(20)] {
      let stream = try StreamedBatches<TrainingRow, TrainingExample>(
        rows, StreamSettings(size: size, shuffleBuffer: 5, seed: 2, ahead: 3)
      ) { row in
        guard case .text(let text) = row, let place = Int(text), place % 5 != 4 else {
          return .nothing
        }
        return .example(examples[place], isCut: false)
      }
      try check("\(size)", LoRA(rank: 2, alpha: 4, dropout: 0.1), adamW, stream)
    }
  }

  /// Trains nine steps at once and in three runs of three, each with a new model.
  private func check(
    _ name: String, _ method: any AdapterMethod, _ optimizer: @escaping MakeOptimizer,
    _ source: (any BatchSource<TokenBatch>)? = nil,
    prepare: (Trainer<CausalLM>) -> Void = { _ in }
  ) throws {
    let data = source ?? data()
    try Files.withTemporaryFolder { folder in
      let base = folder.path + "/base"
      try TinyModel.make(dropout: 0.1).save(to: base)
      func start() throws -> Trainer<CausalLM> {
        let trainer = try self.start(base, method, optimizer)
        prepare(trainer)
        return trainer
      }
      let whole = try start()
      try whole.run(data) { _ in true }
      whole.average?.assign()
      let expected = try saved(whole.model, folder.path + "/whole")

      let checkpoints = TrainingCheckpoints(folder.path + "/run")
      let first = try start()
      try stop(first, data, after: 3)
      try checkpoints.save(first)
      for step in [6, 9] {
        let checkpoint = try XCTUnwrap(try checkpoints.latest().checkpoint)
        XCTAssertEqual(checkpoint.step, step - 3)
        let next = try start()
        try checkpoint.restore(next)
        try stop(next, data, after: step)
        try checkpoints.save(next)
      }
      let last = try XCTUnwrap(try checkpoints.latest().checkpoint)
      let found = try Self.bytes(last.path).filter { expected.keys.contains($0.key) }
      XCTAssertEqual(found, expected, name)
      XCTAssertEqual(checkpoints.steps, [6, 9])
    }
  }

  private func start(
    _ base: String, _ method: any AdapterMethod, _ optimizer: MakeOptimizer
  ) throws -> Trainer<CausalLM> {
    let model = try CausalLM(directory: base)
    try model.attach(method)
    return Trainer(
      model, optimizer: optimizer(model.parameters(.trainable)), schedule: .cosine(warmup: 2),
      settings: TrainerSettings(
        duration: .steps(9), accumulation: 2, maximumGradientNorm: 0.5, evaluationInterval: 2))
  }

  private func stop(
    _ trainer: Trainer<CausalLM>, _ source: (any BatchSource<TokenBatch>)? = nil, after step: Int
  ) throws {
    let data = source ?? data()
    try trainer.run(data, evaluationData: data) { event in
      if case .step(let taken) = event { taken.progress.step < step } else { true }
    }
    XCTAssertEqual(trainer.stepCount, step)
  }

  private func data() -> TokenBatches {
    let (ids, labels) = TinyModel.rows(14, seed: 5)
    return TokenBatches(
      zip(ids, labels).map { TrainingExample(ids: $0, labels: $1) }, batchSize: 3,
      order: .shuffled(seed: 4))
  }

  private func saved(_ model: CausalLM, _ folder: String) throws -> [String: Data] {
    try model.adapter("default").save(to: folder)
    return try Self.bytes(folder)
  }

  private static func bytes(_ folder: String) throws -> [String: Data] {
    var bytes: [String: Data] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      bytes[name] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    return bytes
  }
}
