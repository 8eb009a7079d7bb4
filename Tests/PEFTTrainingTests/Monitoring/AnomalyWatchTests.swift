import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class AnomalyWatchTests: XCTestCase {
  private typealias Points = MeanModel.Points
  private let data = [Points(values: [0])]

  private func trainer(_ model: MeanModel, _ watch: AnomalyWatch?) -> Trainer<MeanModel> {
    let trainer = Trainer(
      model, optimizer: SGD(model.parameters(.trainable), learningRate: 0.25),
      settings: TrainerSettings(duration: .steps(5)))
    trainer.anomalyWatch = watch
    return trainer
  }

  /// The kinds of events, and the error at the end.
  private func run(_ trainer: Trainer<MeanModel>) -> (kinds: [String], error: TrainingError?) {
    var kinds: [String] = []
    do {
      try trainer.run(data) { event in
        switch event {
        case .step(let step):
          kinds.append("step \(step.progress.step)\(step.isSkipped ? " skipped" : "")")
        case .anomaly(let anomaly):
          kinds.append("\(anomaly.kind.rawValue) \(anomaly.step) \(anomaly.reaction.rawValue)")
        case .evaluation, .change, .finished: break
        }
        return true
      }
      return (kinds, nil)
    } catch {
      return (kinds, error as? TrainingError)
    }
  }

  func testReactionsToALossThatIsNotFinite() throws {
    for reaction in StepAnomaly.Reaction.allCases {
      let model = MeanModel(4)
      model.replacement = (3, { $0.tensor * Float.nan })
      let trainer = trainer(model, AnomalyWatch(reaction))
      let (kinds, error) = run(trainer)
      XCTAssertNil(model.mean.gradient)
      if reaction == .stop {
        XCTAssertEqual(kinds, ["step 1", "step 2", "non-finite loss 3 stop"])
        guard case .nonFiniteLoss(step: 3, _) = error else {
          return XCTFail("\(String(describing: error))")
        }
        XCTAssertEqual(trainer.stepCount, 2)
        XCTAssertEqual(model.mean.value.item, 1)
      } else {
        // Such a step cannot be taken.
        XCTAssertEqual(
          kinds,
          [
            "step 1", "step 2", "non-finite loss 3 skip", "step 3 skipped", "step 4", "step 5",
          ])
        XCTAssertNil(error)
        XCTAssertEqual(model.mean.value.item, 0.25)
      }
    }
  }

  func testReactionsToASpike() throws {
    for reaction in StepAnomaly.Reaction.allCases {
      let model = MeanModel(4)
      // The gradient of this is 1.
      model.replacement = (4, { $0.tensor.sum() + 1e6 })
      let trainer = trainer(
        model, AnomalyWatch(reaction, losses: SpikeDetector(window: 10, threshold: 6)))
      let (kinds, error) = run(trainer)
      XCTAssertEqual(kinds[3], "loss spike 4 \(reaction.rawValue)")
      switch reaction {
      case .stop:
        XCTAssertEqual(
          error, .spike(step: 4, kind: .lossSpike, loss: 1_000_000.5, gradientNorm: 1))
        XCTAssertEqual(model.mean.value.item, 0.5)
      case .skip: XCTAssertEqual(model.mean.value.item, 0.25)
      case .note: XCTAssertEqual(model.mean.value.item, 0.125)
      }
    }
  }

  func testASpikeOfTheGradient() {
    let model = MeanModel(4)
    model.replacement = (4, { $0.tensor.sum() * 1e6 })
    let trainer = trainer(
      model, AnomalyWatch(.stop, gradientNorms: SpikeDetector(window: 10, threshold: 6)))
    XCTAssertEqual(run(trainer).kinds.last, "gradient spike 4 stop")
  }

  func testWhatTheDetectorsSawIsKept() throws {
    let watch = AnomalyWatch(
      .skip, losses: SpikeDetector(window: 10), gradientNorms: SpikeDetector(window: 10))
    let first = trainer(MeanModel(4), watch)
    try first.run(data) { event in
      if case .step(let step) = event { step.progress.step < 3 } else { true }
    }
    let second = trainer(MeanModel(4), watch)
    try second.restore(first.state)
    XCTAssertEqual(second.anomalyWatch, first.anomalyWatch)
    XCTAssertEqual(second.anomalyWatch?.losses?.recent, [16, 4, 1])
    XCTAssertEqual(second.anomalyWatch?.gradientNorms?.recent, [8, 4, 2])
  }

  func testTheBatchesArePutAside() throws {
    try Files.withTemporaryFolder { folder in
      let model = try TinyModel.make()
      model.decoder.norm.weight.value = Tensor(repeating: .nan, shape: [16])
      let trainer = Trainer(
        model, optimizer: SGD(model.parameters(.trainable)),
        settings: TrainerSettings(duration: .steps(1), accumulation: 2))
      trainer.anomalyWatch = AnomalyWatch(.skip, folder: folder.path + "/aside")
      let batches = [
        TokenBatch(rows: [[1, 2, 3], [4, 5]], labels: [[-100, 2, 3], [4, 5]]),
        TokenBatch(rows: [[6, 7]]),
      ]
      var file: String?
      try trainer.run(batches) { event in
        if case .anomaly(let anomaly) = event { file = anomaly.file }
        return true
      }
      XCTAssertEqual(file, folder.path + "/aside/anomaly-1.json")
      XCTAssertEqual(
        try String(contentsOfFile: XCTUnwrap(file), encoding: .utf8),
        """
        {"step":1,"kind":"non-finite loss","loss":null,"gradient_norm":null,"batches":[\
        {"ids":[[1,2,3],[4,5]],"labels":[[-100,2,3],[4,5]]},\
        {"ids":[[6,7]],"labels":[[6,7]]}]}
        """)
      XCTAssertTrue(AnomalyWatch.isFile("anomaly-1.json"))
      XCTAssertFalse(AnomalyWatch.isFile("anomaly-x.json"))
      // Where a file is in the way of the folder.
      let other = Trainer(
        model, optimizer: SGD(model.parameters(.trainable)),
        settings: TrainerSettings(duration: .steps(1)))
      other.anomalyWatch = AnomalyWatch(.skip, folder: folder.path + "/aside/anomaly-1.json")
      XCTAssertThrowsError(try other.run(batches) { _ in true }) { error in
        guard case TrainingError.batchFile(let path, _) = error else { return XCTFail("\(error)") }
        XCTAssertTrue(path.hasPrefix(folder.path), path)
      }
    }
  }
}
