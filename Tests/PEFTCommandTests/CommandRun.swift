import Foundation
import PEFTJSON
import PEFTTestSupport
import XCTest

/// One run of the built `peft` command.
struct CommandRun {
  let exitCode: Int32
  let output: String
  let errors: String

  /// Runs the command with words, and waits for its end.
  init(_ words: [String], in folder: URL? = nil, environment: [String: String] = [:]) throws {
    let program = try Self.program()
    try self.init(program, words, in: folder, environment: environment)
  }

  /// Runs any program with words, and waits for its end.
  init(
    _ program: URL, _ words: [String], in folder: URL? = nil, environment: [String: String] = [:]
  ) throws {
    let run = try ProgramRun(program, words, in: folder, environment: environment)
    (exitCode, output, errors) = (run.exitCode, run.output, run.errors)
  }

  /// The value of the last line, which programs read.
  func json(file: StaticString = #filePath, line: UInt = #line) throws -> JSON {
    XCTAssertEqual(exitCode, 0, errors, file: file, line: line)
    let last = output.split(separator: "\n").last.map(String.init) ?? ""
    return try JSON(parsing: Array(last.utf8))
  }

  /// The command, which is built into the folder that holds the test bundle.
  static func program() throws -> URL {
    #if os(macOS)
      let folder = Bundle(for: HelpTests.self).bundleURL.deletingLastPathComponent()
    #else
      let folder = Bundle.main.bundleURL
    #endif
    let program = folder.appendingPathComponent("peft")
    guard FileManager.default.isExecutableFile(atPath: program.path) else {
      throw CocoaError(.fileNoSuchFile, userInfo: [NSFilePathErrorKey: program.path])
    }
    return program
  }
}
