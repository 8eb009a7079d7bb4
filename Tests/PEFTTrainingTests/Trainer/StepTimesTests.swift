import PEFTTensor
import PEFTTraining
import PEFTTransformer
import XCTest

final class StepTimesTests: XCTestCase {
  func testAStepSaysWhereItsTimeWentAndWhatWasComputed() throws {
    let model = try TinyModel.make()
    let (ids, labels) = TinyModel.rows(4, seed: 1)
    let batch = TokenBatch(rows: ids, labels: labels)
    let trainer = Trainer(
      model, optimizer: AdamW(model.parameters(.trainable)),
      settings: TrainerSettings(duration: .steps(3), accumulation: 2))
    var steps: [TrainingEvent.Step] = []
    try trainer.run([batch, batch]) { event in
      if case .step(let step) = event { steps.append(step) }
      return true
    }
    let before = Arithmetic.operations
    model.loss(batch).backward()
    let once = Arithmetic.operations - before
    XCTAssertGreaterThan(once, 0)
    for step in steps {
      let times = try XCTUnwrap(step.times)
      XCTAssertEqual(times.operations, 2 * once)
      for part in [step.dataSeconds, times.forward, times.backward, times.optimizer] {
        XCTAssertGreaterThanOrEqual(part, 0)
      }
      XCTAssertLessThanOrEqual(
        step.dataSeconds + times.total, Double(step.tokens) / step.tokensPerSecond)
      let entry = LogEntry(.step(step))
      for (name, value) in [
        ("forward_s", times.forward), ("backward_s", times.backward),
        ("optimizer_s", times.optimizer), ("gflops", times.gigaflops),
      ] {
        XCTAssertEqual(entry[name], value)
      }
    }
  }

  func testTheRateIsThatOfTheBusyTime() {
    let times = StepTimes(
      forward: 0.5, backward: 1, optimizer: 0.5, operations: 4_000_000_000)
    XCTAssertEqual(times.total, 2)
    XCTAssertEqual(times.gigaflops, 2)
    XCTAssertEqual(StepTimes().gigaflops, 0)
  }

  func testMemoryOfTensors() throws {
    let before = try XCTUnwrap(ProcessMemory.current?.pool)
    let tensor = Tensor(zeros: [1 << 20])
    let during = try XCTUnwrap(ProcessMemory.current)
    XCTAssertGreaterThanOrEqual(try XCTUnwrap(during.pool) - before, 4 << 20)
    XCTAssertGreaterThanOrEqual(try XCTUnwrap(during.poolPeak), try XCTUnwrap(during.pool))
    XCTAssertEqual(tensor.count, 1 << 20)
  }

  func testAPeakIsMeasured() {
    let peak = MachinePeak.measured()
    XCTAssertGreaterThan(peak.float32, 0)
    XCTAssertGreaterThan(peak.bfloat16, 0)
    XCTAssertEqual(peak.gigaflops(.nf4), peak.bfloat16)
    XCTAssertEqual(peak.gigaflops(.float32), peak.float32)
  }
}
