public import Foundation

/// One run of a program, with what it wrote.
public struct ProgramRun {
  /// How it ended.
  public let exitCode: Int32
  /// Its standard output.
  public let output: String
  /// Its standard error.
  public let errors: String

  /// Runs a program with words, and waits for its end.
  ///
  /// - Parameters:
  ///   - program: what to run.
  ///   - words: its arguments.
  ///   - folder: where it runs; nil for here.
  ///   - environment: what is added to that of the tests.
  /// - Throws: what Foundation throws where it does not start.
  public init(
    _ program: URL, _ words: [String], in folder: URL? = nil, environment: [String: String] = [:]
  ) throws {
    (exitCode, output, errors) = try Files.withTemporaryFolder { scratch in
      // Files, not pipes: a pipe that nobody reads while the other is read can block the program.
      let (output, errors) = (
        scratch.appendingPathComponent("output"), scratch.appendingPathComponent("errors")
      )
      for file in [output, errors] { try Data().write(to: file) }
      let process = Process()
      process.executableURL = program
      process.arguments = words
      process.currentDirectoryURL = folder
      process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
      process.standardInput = FileHandle.nullDevice
      process.standardOutput = try FileHandle(forWritingTo: output)
      process.standardError = try FileHandle(forWritingTo: errors)
      try process.run()
      process.waitUntilExit()
      return (
        process.terminationStatus, try String(contentsOf: output, encoding: .utf8),
        try String(contentsOf: errors, encoding: .utf8)
      )
    }
  }
}
