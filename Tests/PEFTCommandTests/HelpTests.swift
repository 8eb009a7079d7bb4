import Foundation
import XCTest

final class HelpTests: XCTestCase {
  private let commands = [
    "demo", "train", "evaluate", "generate", "merge", "export", "inspect", "lint",
    "pretrain", "compare", "report",
  ]

  func testEveryCommandExplainsItself() throws {
    let overview = try CommandRun(["--help"])
    XCTAssertEqual(overview.exitCode, 0)
    for command in commands {
      XCTAssert(overview.output.contains("\n  \(command)"), "no \(command) in the overview")
      for flag in ["--help", "-h"] {
        let run = try CommandRun([command, flag])
        XCTAssertEqual(run.exitCode, 0, run.errors)
        XCTAssertEqual(run.errors, "")
        for part in [
          "Usage: peft \(command)", "Options", "--help", "--json", "Example:\n  peft \(command)",
        ] {
          XCTAssert(run.output.contains(part), "peft \(command) \(flag) lacks \(part)")
        }
        XCTAssert(run.output.split(separator: "\n").allSatisfy { $0.count <= 100 })
      }
    }
  }

  func testEveryMethodStandsInTheHelp() throws {
    let text = try CommandRun(["help", "train"]).output.split { $0 == " " || $0 == "\n" }
      .map { $0.trimmingCharacters(in: CharacterSet(charactersIn: ",;.")) }
    for name in ["eva", "lora-ga", "loftq", "qlora", "longlora", "fish-mask", "gps", "dylora"] {
      XCTAssert(text.contains(name), "no \(name)")
    }
  }

  func testHelpOfACommandAndTheVersion() throws {
    let help = try CommandRun(["help", "train"])
    XCTAssertEqual(help.exitCode, 0, help.errors)
    XCTAssertEqual(help.output, try CommandRun(["train", "--help"]).output)
    XCTAssertEqual(try CommandRun(["help"]).output, try CommandRun(["--help"]).output)
    XCTAssertEqual(try CommandRun(["help", "trian"]).exitCode, 2)
    for word in ["--version", "version"] {
      let version = try CommandRun([word])
      XCTAssertEqual(version.exitCode, 0, version.errors)
      XCTAssertNotNil(version.output.wholeMatch(of: /peft \d+\.\d+\.\d+\n/), version.output)
    }
  }

  func testWrongUsageIsExitCode2() throws {
    let cases: [(words: [String], message: String)] = [
      ([], "Usage: peft COMMAND"),
      (["trian"], "unknown command \"trian\"; did you mean \"train\""),
      (["train", "--ranks", "4"], "unknown option \"--ranks\"; did you mean \"--rank\""),
      (["train", "-rank", "4"], "unknown option \"-rank\""),
      (["train", "--rank"], "--rank needs a value"),
      (["train", "--rank", "4", "--rank=8"], "--rank is given twice"),
      (["evaluate", "--json", "--json"], "--json is given twice"),
      (["inspect", "one", "--path", "other"], "--path is given twice"),
      (["train", "--rslora=yes"], "--rslora takes no value"),
      (["train", "rows.jsonl"], "unexpected argument \"rows.jsonl\""),
      (["train", "--output", "x"], "--data has to be given"),
      (
        ["train", "--data", "x", "--output", "y", "--rank", "0"],
        "--rank is \"0\", expected a whole number"
      ),
      (["train", "--data", "x", "--output", "y", "--dropout", "2"], "--dropout is \"2\""),
      (
        ["train", "--data", "x", "--output", "y", "--method", "adalorra"],
        "did you mean \"adalora\""
      ),
      (
        ["train", "--data", "x", "--output", "y", "--schedule", "step"], "constant, linear, cosine"
      ),
      (
        ["train", "--data", "x", "--output", "y", "--steps", "1", "--epochs", "1"],
        "exclude each other"
      ),
      (["generate", "--temperature", "warm"], "expected a number"),
      (["merge", "--output", "x"], "--adapter has to be given"),
    ]
    for (words, message) in cases {
      let run = try CommandRun(words)
      XCTAssertEqual(run.exitCode, 2, "\(words): \(run.errors)")
      XCTAssert(run.errors.contains(message), "\(words): \(run.errors)")
      XCTAssertEqual(run.output, "", "\(words)")
    }
  }

  func testFaultsOfFilesAreExitCode1() throws {
    let cases: [(words: [String], message: String)] = [
      (
        ["evaluate", "--model", "/does/not/exist", "--data", #filePath],
        "/does/not/exist/config.json"
      ),
      (["evaluate", "--data", "/does/not/exist"], "/does/not/exist"),
      (["generate", "--adapter", "/does/not/exist"], "/does/not/exist/adapter_config.json"),
      (["train", "--data", "/does/not/exist", "--output", "y"], "does not exist"),
      (["inspect", "/does/not/exist"], "/does/not/exist"),
      (
        ["train", "--data", "x", "--output", "y", "--config", "/does/not/exist"], "/does/not/exist"
      ),
    ]
    for (words, message) in cases {
      let run = try CommandRun(words)
      XCTAssertEqual(run.exitCode, 1, "\(words): \(run.errors)")
      XCTAssert(run.errors.hasPrefix("peft: "), "\(words): \(run.errors)")
      XCTAssert(run.errors.contains(message), "\(words): \(run.errors)")
    }
  }
}
