import PEFTTraining
import XCTest

final class ReportingTests: XCTestCase {
  func testLines() {
    let step = TrainingEvent.Step(
      progress: TrainingProgress(step: 12, total: 300), epoch: 0.04, loss: 2.34561, tokens: 512,
      tokensPerSecond: 1234.4, learningRate: 1e-4, gradientNorm: 0.851, secondsLeft: 301.6)
    let memory = ProcessMemory(resident: 812_300_000, peak: 900_000_000)
    XCTAssertEqual(
      ProgressLine.text(.step(step), memory: memory),
      "step 12/300  epoch 0.04  loss 2.3456  rate 1.00e-04  norm 0.85  1234 tokens/s  "
        + "5 min 02 s left  812 MB")
    let evaluation = TrainingEvent.Evaluation(step: 10, loss: 0.5, labels: 9, isBest: true)
    XCTAssertEqual(
      ProgressLine.text(.evaluation(evaluation)),
      "evaluation at step 10  loss 0.5000  perplexity 1.65  best")
    let summary = TrainingEvent.Summary(
      steps: 300, tokens: 80_000, seconds: 4000, loss: 1, evaluation: evaluation)
    XCTAssertEqual(
      ProgressLine.text(.finished(summary), memory: memory),
      "finished 300 steps  80000 tokens in 1 h 06 min  20 tokens/s  peak 900 MB")
  }

  func testMemoryOfTheProcess() throws {
    let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t     512 kB\n"
    XCTAssertEqual(
      ProcessMemory(status: status), ProcessMemory(resident: 512 * 1024, peak: 2048 * 1024))
    XCTAssertNil(ProcessMemory(status: "VmRSS: 512 kB\n"))
    XCTAssertGreaterThan(try XCTUnwrap(ProcessMemory.current).peak, 1 << 20)
  }

  func testEarlyStopping() {
    var stopping = EarlyStopping(patience: 2, minimumImprovement: 0.1)
    let stops = [3, 2, 1.95, 1.8, 1.9, 1.75, 0.1].map { stopping.shouldStop(after: $0) }
    XCTAssertEqual(stops, [false, false, false, false, false, true, false])
    XCTAssertEqual(stopping.best, 0.1)
  }
}
