import Foundation
import PEFT
import PEFTJSON
import PEFTTestSupport
import XCTest

final class ImageClassificationTests: XCTestCase {
  /// The ViT of the fixtures with a processor, and a folder of two classes.
  private func withFolder(_ body: (_ model: String, _ path: (String) -> String) throws -> Void)
    throws
  {
    try Files.withTemporaryFolder { folder in
      let path = { folder.appendingPathComponent($0).path }
      let files = FileManager.default
      try files.copyItem(atPath: Files.fixture("Models/vit").path, toPath: path("model"))
      try ImageProcessor(size: .init(height: 8, width: 8)).save(to: path("model"))
      try files.createDirectory(atPath: path("pictures"), withIntermediateDirectories: true)
      for name in ["cats", "dogs"] {
        try files.copyItem(
          atPath: Files.fixture("Images/\(name)").path, toPath: path("pictures/\(name)"))
      }
      try body(path("model"), path)
    }
  }

  func testAClassifierIsTrainedSavedResumedAndEvaluated() throws {
    try withFolder { model, path in
      let run = try CommandRun([
        "train", "--model", model, "--data", path("pictures"), "--labels", "dogs,cats",
        "--modules-to-save", "classifier", "--evaluation", path("pictures"), "--batch", "2",
        "--epochs", "20", "--learning-rate", "0.01", "--output", path("adapter"), "--json",
        "--checkpoint-every", "50",
      ])
      let trained = try run.json()
      XCTAssertTrue(run.output.contains("classes: dogs, cats"), run.output)
      XCTAssertEqual(trained["after"]?.number, 1)
      let words = ["--model", model, "--adapter", path("adapter"), "--data"]
      let evaluated = try CommandRun(["evaluate"] + words + [path("pictures"), "--json"]).json()
      XCTAssertEqual(evaluated["labels"]?.elements?.map(\.string), ["dogs", "cats"])
      XCTAssertEqual(evaluated["rows"]?.integer, 5)
      XCTAssertEqual(
        try XCTUnwrap(evaluated["loss"]?.number), try XCTUnwrap(trained["loss_after"]?.number),
        accuracy: 1e-6)

      let weights = path("adapter/adapter_model.safetensors")
      let whole = try Data(contentsOf: URL(fileURLWithPath: weights))
      try FileManager.default.removeItem(atPath: path("adapter/checkpoint-60"))
      let resumed = try CommandRun(["train", "--output", path("adapter"), "--resume"])
      XCTAssertTrue(resumed.output.contains("10 steps in"), resumed.output + resumed.errors)
      XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: weights)), whole)
      let more = path("pictures/cats/more.png")
      try FileManager.default.copyItem(atPath: path("pictures/cats/a.png"), toPath: more)
      let other = try CommandRun(["train", "--output", path("adapter"), "--resume"])
      XCTAssertTrue(other.errors.contains("made with data (checksum)"), other.errors)
      try FileManager.default.removeItem(atPath: more)

      try Data("no picture".utf8).write(
        to: URL(fileURLWithPath: path("pictures/cats/z.png")))
      let failed = try CommandRun(["evaluate"] + words + [path("pictures")])
      XCTAssertEqual(failed.exitCode, 1)
      XCTAssertTrue(
        failed.errors.contains("cats/z.png: cannot be read: it is neither"), failed.errors)
      let lenient = try CommandRun(
        ["evaluate"] + words + [path("pictures"), "--skip-bad-rows", "--json"])
      XCTAssertEqual(try lenient.json()["rows"]?.integer, 5)
      XCTAssertTrue(lenient.errors.contains("1 bad row is left out"), lenient.errors)
    }
  }

  /// An adapter above the head of the folder knows no other, though its labels stand beside it.
  func testAboveTheHeadOfTheFolder() throws {
    try withFolder { model, path in
      for (place, name) in ["cats", "dogs"].enumerated() {
        try FileManager.default.moveItem(
          atPath: path("pictures/\(name)"), toPath: path("pictures/LABEL_\(place)"))
      }
      let words = ["--model", model, "--data", path("pictures"), "--json"]
      let trained = try CommandRun(
        ["train", "--evaluation", path("pictures"), "--epochs", "1", "--output", path("adapter")]
          + words
      ).json()
      let evaluated = try CommandRun(["evaluate", "--adapter", path("adapter")] + words).json()
      XCTAssertEqual(
        try XCTUnwrap(evaluated["loss"]?.number), try XCTUnwrap(trained["loss_after"]?.number),
        accuracy: 1e-6)
      let further = try CommandRun(
        ["train", "--adapter", path("adapter"), "--steps", "1", "--output", path("further")]
          + words)
      XCTAssertEqual(further.exitCode, 0, further.errors)
    }
  }

  /// Random numbers that nobody keeps would be others at the next start.
  func testANewHeadIsTrainedAndSavedUnasked() throws {
    try withFolder { model, path in
      let data = ["--data", path("pictures"), "--json"]
      let train = try CommandRun(
        [
          "train", "--model", model, "--labels", "dogs,cats", "--seed", "1", "--evaluation",
          path("pictures"), "--epochs", "2", "--output", path("adapter"),
        ] + data)
      let loss = try XCTUnwrap(try train.json()["loss_after"]?.number)
      XCTAssertTrue(train.output.contains("trained as a whole and saved: classifier"), train.output)
      let adapter = ["--model", model, "--adapter", path("adapter")]
      let merge = try CommandRun(["merge"] + adapter + ["--output", path("merged")])
      XCTAssertEqual(merge.exitCode, 0, merge.errors)
      let precise = try CommandRun(
        ["merge"] + adapter + ["--precision", "nf4", "--output", path("precise")])
      XCTAssertTrue(precise.errors.contains("merge it without --precision"), precise.errors)
      for words in [adapter, ["--model", path("merged")]] {
        let evaluated = try CommandRun(["evaluate"] + words + data).json()
        XCTAssertEqual(evaluated["labels"]?.elements?.map(\.string), ["dogs", "cats"])
        XCTAssertEqual(try XCTUnwrap(evaluated["loss"]?.number), loss, accuracy: 1e-5)
      }
    }
  }

  func testPicturesOfAnIDXFile() throws {
    try withFolder { model, path in
      try FileManager.default.removeItem(atPath: path("pictures"))
      let pixels = (0..<6 * 4 * 4).map { UInt8($0 / 16 % 2 == 0 ? 20 : 230) }
      try Data([0, 0, 8, 3, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0, 4] + pixels).write(
        to: URL(fileURLWithPath: path("train-images-idx3-ubyte")))
      try Data([0, 0, 8, 1, 0, 0, 0, 6, 0, 1, 0, 1, 0, 1]).write(
        to: URL(fileURLWithPath: path("train-labels-idx1-ubyte")))
      let words = [
        "train", "--model", model, "--data", path("train-images-idx3-ubyte"), "--labels", "0,1",
        "--method", "full", "--epochs", "30", "--learning-rate", "0.005", "--evaluation",
        path("train-images-idx3-ubyte"), "--output", path("tuned"), "--json",
        "--checkpoint-every", "30",
      ]
      XCTAssertEqual(try CommandRun(words).json()["after"]?.number, 1)
      // What is written is a model folder that needs nothing else.
      let evaluated = try CommandRun([
        "evaluate", "--model", path("tuned"), "--data", path("train-images-idx3-ubyte"), "--json",
      ]).json()
      XCTAssertEqual(evaluated["accuracy"]?.number, 1)
      XCTAssertEqual(evaluated["labels"]?.elements?.map(\.string), ["0", "1"])
      // The classes stand in a file of their own.
      try Data([0, 0, 8, 1, 0, 0, 0, 6, 1, 1, 0, 1, 0, 1]).write(
        to: URL(fileURLWithPath: path("train-labels-idx1-ubyte")))
      let resumed = try CommandRun(["train", "--output", path("tuned"), "--resume"])
      XCTAssertTrue(resumed.errors.contains("made with data (checksum)"), resumed.errors)
    }
  }

  func testWhatDoesNotFitIsSaid() throws {
    try withFolder { model, path in
      func errors(_ words: String...) throws -> String {
        let run = try CommandRun(
          ["train", "--model", model, "--output", path("adapter")] + words)
        XCTAssertEqual(run.exitCode == 0, false)
        return run.errors
      }
      let classes = try errors("--data", path("pictures"))
      XCTAssertTrue(
        classes.contains("its class \"cats\" is none of LABEL_0, LABEL_1, LABEL_2"), classes)
      let stream = try errors("--data", path("pictures"), "--labels", "cats,dogs", "--stream")
      XCTAssertTrue(stream.contains("image-classification") && stream.contains("stream"), stream)
      for words in [
        ["--neftune", "5"], ["--change", "1:neftune=5"], ["--learn", "user"], ["--learn-last"],
      ] {
        let run = try CommandRun(
          ["train", "--model", model, "--output", path("adapter"), "--data", path("pictures")]
            + words)
        XCTAssertTrue(run.errors.contains("image-classification"), run.errors)
      }
      let file = try errors("--data", path("model/config.json"), "--labels", "cats,dogs")
      XCTAssertTrue(file.contains("is neither a folder with a folder of pictures"), file)
      try FileManager.default.removeItem(atPath: "\(model)/preprocessor_config.json")
      let missing = try errors("--data", path("pictures"), "--labels", "cats,dogs")
      XCTAssertTrue(missing.contains("preprocessor_config.json"), missing)
    }
  }
}
