import Foundation
import PEFTCheckpoints
import PEFTTestSupport
import PEFTTraining
import XCTest

final class LogTests: XCTestCase {
  private func step(_ number: Int, loss: Double = 1.5) -> LogEntry {
    LogEntry(
      .step(
        .init(
          progress: TrainingProgress(step: number, total: 9), epoch: 0.25, loss: loss, tokens: 64,
          tokensPerSecond: 1000, learningRate: 0.001, gradientNorm: 0.5, secondsLeft: 3)),
      memory: ProcessMemory(resident: 1000, peak: 2000), time: 1_700_000_000.5)
  }

  private func evaluation(_ number: Int) -> LogEntry {
    LogEntry(
      .evaluation(.init(step: number, loss: 2.25, labels: 10, isBest: true)), time: 1_700_000_001)
  }

  // MARK: JSON lines

  func testJSONLinesAreReadAsTheyWereWritten() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.path + "/log.jsonl"
      let sample = LogEntry(
        "sample", step: 2, time: 1.5, texts: ["prompt": "a \"b\"\n", "text": "ü\u{1F600}"])
      let written = [step(1), step(2), evaluation(2), sample]
      let log = try JSONLinesLog(path)
      for entry in written { try log.write(entry) }
      XCTAssertEqual(try JSONLinesLog.read(path), written)
      XCTAssertEqual(
        try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").first,
        """
        {"event":"step","step":1,"time":1700000000.5,"total":9,"epoch":0.25,"loss":1.5,\
        "learning_rate":0.001,"gradient_norm":0.5,"tokens":64,"tokens_per_s":1000,"seconds_left":3,\
        "data_wait_s":0,"resident_bytes":1000}
        """)
    }
  }

  func testNumbersThatAreNoneAreNull() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.path + "/log.jsonl"
      try JSONLinesLog(path).write(step(1, loss: .infinity))
      XCTAssertTrue(try String(contentsOfFile: path, encoding: .utf8).contains("\"loss\":null"))
      XCTAssertEqual(try JSONLinesLog.read(path).first?["loss"]?.isNaN, true)
    }
  }

  /// A run that was killed has written steps after the checkpoint, and perhaps a part of a line.
  func testALogGoesOn() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.path + "/log.jsonl"
      let log = try JSONLinesLog(path)
      for number in 1...4 { try log.write(step(number)) }
      let torn = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try torn.seekToEnd()
      try torn.write(contentsOf: Data("{\"event\":\"st".utf8))
      XCTAssertEqual(try JSONLinesLog.read(path).map(\.step), [1, 2, 3, 4])
      let next = try JSONLinesLog(path, goingOnAfter: 2)
      try next.write(step(3, loss: 7))
      XCTAssertEqual(try JSONLinesLog.read(path), [step(1), step(2), step(3, loss: 7)])
      _ = try JSONLinesLog(path)
      XCTAssertEqual(try JSONLinesLog.read(path), [])
    }
  }

  func testALineThatIsNoEntryIsNamed() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.path + "/log.jsonl"
      try atomicallyWrite("{\"event\":\"step\",\"step\":1}\n[]\n", to: path)
      XCTAssertThrowsError(try JSONLinesLog.read(path)) { error in
        XCTAssertEqual(
          error as? CheckpointError,
          .invalidJSON(path: path, reason: "line 2 is no entry of a log"))
      }
      // Where a file is in the way of a folder.
      XCTAssertThrowsError(try JSONLinesLog(path + "/log.jsonl")) { error in
        guard case CheckpointError.ioFailure = error else { return XCTFail("\(error)") }
      }
      _ = try JSONLinesLog(folder.path + "/new/log.jsonl")
      XCTAssertEqual(try JSONLinesLog.read(folder.path + "/new/log.jsonl"), [])
    }
  }

  // MARK: CSV

  func testCSVHasARowForStepsAndEvaluations() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.path + "/log.csv"
      let log = try CSVLog(path)
      for entry in [step(1), evaluation(1), step(2)] { try log.write(entry) }
      try log.write(LogEntry("sample", step: 2))
      let header =
        "step,time,epoch,loss,learning_rate,gradient_norm,tokens,tokens_per_s,resident_bytes,"
        + "pool_bytes,data_wait_s,forward_s,backward_s,optimizer_s,gflops,evaluation_loss\n"
      let first = "1,1700000000.5,0.25,1.5,0.001,0.5,64.0,1000.0,1000.0,,0.0,,,,,\n"
      let second = "1,1700000001.0,,,,,,,,,,,,,,2.25\n"
      XCTAssertEqual(
        try String(contentsOfFile: path, encoding: .utf8),
        header + first + second + "2" + first.dropFirst())
      _ = try CSVLog(path, goingOnAfter: 1)
      XCTAssertEqual(
        try String(contentsOfFile: path, encoding: .utf8), header + first + second)
    }
  }

  // MARK: TensorBoard

  /// The record that TensorBoard 2.21's own writer makes of the same event.
  func testEventsHaveTheBytesOfTensorBoard() throws {
    try Files.withTemporaryFolder { folder in
      let log = try TensorBoardLog(folder.path)
      try log.write(
        LogEntry(
          "step", step: 300, time: 1_700_000_000.5,
          numbers: [.init("loss", 2.5), .init("learning_rate", 0.001), .init("total", 9)]))
      let name = try XCTUnwrap(
        try FileManager.default.contentsOfDirectory(atPath: folder.path).first)
      XCTAssertTrue(name.hasPrefix("events.out.tfevents."), name)
      let bytes = try Data(contentsOf: folder.appendingPathComponent(name))
      let hex = bytes.map { String(format: "%02x", $0) }.joined()
      XCTAssertTrue(
        hex.hasSuffix(
          "3d000000000000006049f1ec0900002040fc54d94110ac022a2f0a110a0a747261696e2f6c6f73731500002040"
            + "0a1a0a13747261696e2f6c6561726e696e675f72617465156f12833aade622a2"), hex)
      XCTAssertTrue(
        hex.contains(Data("brain.Event:2".utf8).map { String(format: "%02x", $0) }.joined()))
    }
  }

  /// TensorBoard's reader gives the scalars, and drops what a killed run wrote after the checkpoint.
  func testTensorBoardReadsARunThatWentOn() throws {
    let python = try Python(importing: "tensorboard")
    try Files.withTemporaryFolder { folder in
      let first = try TensorBoardLog(folder.path)
      for number in 1...4 { try first.write(step(number)) }
      let second = try TensorBoardLog(folder.path + "/next", goingOnAfter: 2)
      try second.write(step(3, loss: 7))
      try second.write(evaluation(3))
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/next")
      // Both in one folder, in the order in which they were written.
      for name in names {
        try FileManager.default.moveItem(
          atPath: folder.path + "/next/" + name, toPath: folder.path + "/" + name + ".2")
      }
      try FileManager.default.removeItem(atPath: folder.path + "/next")
      let script = """
        import sys
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        events = EventAccumulator(sys.argv[1]); events.Reload()
        print([(e.step, e.value) for e in events.Scalars("train/loss")],
              [(e.step, e.value) for e in events.Scalars("evaluation/loss")])
        """
      let run = try python(["-c", script, folder.path])
      XCTAssertEqual(run.output, "[(1, 1.5), (2, 1.5), (3, 7.0)] [(3, 2.25)]\n")
    }
  }
}
