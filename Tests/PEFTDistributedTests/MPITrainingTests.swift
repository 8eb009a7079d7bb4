import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import XCTest

/// Trainings of the built `peft` command under `mpirun`; `Scripts/mpi-test` builds what they need.
final class MPITrainingTests: XCTestCase {
  #if MPI
    private let settings = [
      "--steps", "6", "--batch", "5", "--accumulation", "2", "--learning-rate", "0.001",
      "--clip", "0.5", "--json",
    ]

    func testRanksTrainAsOneProcessWithAllRows() throws {
      try withRows { folder, data in
        let words = ["--data", data, "--evaluation", data, "--evaluate-every", "3"] + settings
        let alone = try train(1, words, folder, "alone")
        XCTAssertEqual(alone.exitCode, 0, alone.errors)
        for ranks in [2, 3] {
          let run = try train(ranks, words, folder, "\(ranks)-ranks")
          XCTAssertEqual(run.exitCode, 0, run.errors)
          XCTAssertTrue(run.output.contains("\(ranks) ranks, each of which sends"), run.output)
          XCTAssertTrue(run.output.contains("\"ranks\":\(ranks)"), run.output)
          // Rank 0 alone speaks.
          XCTAssertEqual(run.output.components(separatedBy: "saved in").count, 2, run.output)
          try expectCloseAdapters(folder, "\(ranks)-ranks", "alone")
        }
      }
    }

    func testATrainingGoesOnWithAnotherNumberOfRanks() throws {
      try withRows { folder, data in
        let words = ["--data", data, "--checkpoint-every", "2"] + settings
        let alone = try train(1, words, folder, "alone")
        XCTAssertEqual(alone.exitCode, 0, alone.errors)
        let before = try train(2, words, folder, "run")
        XCTAssertEqual(before.exitCode, 0, before.errors)
        for name in ["checkpoint-6", "adapter_model.safetensors"] {
          try FileManager.default.removeItem(at: folder.appendingPathComponent("run/\(name)"))
        }
        let after = try train(3, ["--resume"], folder, "run")
        XCTAssertEqual(after.exitCode, 0, after.errors)
        XCTAssertTrue(after.output.contains("going on after step 4"), after.output)
        try expectCloseAdapters(folder, "run", "alone")
      }
    }

    func testAMethodThatCannotIsRefused() throws {
      try withRows { folder, data in
        let run = try train(
          2, ["--data", data, "--method", "rosa", "--steps", "2"], folder, "rosa")
        XCTAssertNotEqual(run.exitCode, 0)
        XCTAssertTrue(run.errors.contains("train this method in one process"), run.errors)
      }
    }

    private func expectCloseAdapters(
      _ folder: URL, _ one: String, _ other: String, file: StaticString = #filePath,
      line: UInt = #line
    ) throws {
      let files = try [one, other].map {
        try SafetensorsFile(
          path: folder.appendingPathComponent("\($0)/adapter_model.safetensors").path)
      }
      XCTAssertEqual(files[0].names, files[1].names, file: file, line: line)
      XCTAssertFalse(files[0].names.isEmpty, file: file, line: line)
      var (total, difference) = (0.0, 0.0)
      for name in files[0].names {
        let (found, expected) = (try files[0].tensor(name).array, try files[1].tensor(name).array)
        let size = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
        let distance = zip(found, expected).reduce(0.0) {
          $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
        }
        (total, difference) = (total + size, difference + distance)
        // Adam takes a step of full length also where a gradient is hardly more than its rounding.
        XCTAssertLessThanOrEqual(
          distance.squareRoot(), 1e-4 * size.squareRoot(), name, file: file, line: line)
      }
      XCTAssertLessThanOrEqual(
        difference.squareRoot(), 1e-5 * total.squareRoot(), file: file, line: line)
    }

    private func withRows(_ body: (URL, String) throws -> Void) throws {
      try Files.withTemporaryFolder { folder in
        let lines = (0..<40).map {
          "{\"prompt\": \"report \($0):\", \"completion\": \" wind \($0 * 7 % 40), rain \($0 * 13 % 90).\"}\n"
        }
        let data = folder.appendingPathComponent("rows.jsonl")
        try Data(lines.joined().utf8).write(to: data)
        try body(folder, data.path)
      }
    }

    private func train(
      _ ranks: Int, _ words: [String], _ folder: URL, _ output: String
    ) throws -> ProgramRun {
      let peft = Bundle.main.bundleURL.appendingPathComponent("peft")
      let words = ["train"] + words + ["--output", folder.appendingPathComponent(output).path]
      // The parts into which work is cut decide the order of sums.
      let environment = ["PEFT_THREADS": "1"]
      if ranks == 1 { return try ProgramRun(peft, words, environment: environment) }
      let launcher = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "\(ranks)"]
      return try ProgramRun(
        URL(fileURLWithPath: "/usr/bin/env"), launcher + [peft.path] + words,
        environment: environment)
    }
  #else
    func testTheProgramSaysThatItWasBuiltWithoutMPI() throws {
      #if os(macOS)
        throw XCTSkip("the program is not beside the tests")
      #else
        let run = try ProgramRun(
          Bundle.main.bundleURL.appendingPathComponent("peft"),
          ["train", "--data", "rows.jsonl", "--output", "run"],
          environment: ["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1"])
        XCTAssertEqual(run.exitCode, 1)
        XCTAssertTrue(run.errors.contains("built without MPI"), run.errors)
      #endif
    }

    func testTrainingUnderMPI() throws {
      throw XCTSkip("the trait MPI is not enabled; run Scripts/mpi-test")
    }
  #endif
}
