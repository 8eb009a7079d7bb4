import Foundation
import PEFTJSON

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// This program, run with other words in a process of its own, so that its time and memory are its own.
struct ChildProcess {
  /// The line of JSON that it printed last; nil where it failed.
  let result: JSON?
  /// Why it failed, in its own words; empty where it did not.
  let fault: String

  /// One that ran before, with what it printed last.
  init(result: JSON) { (self.result, fault) = (result, "") }

  /// Runs the program and waits for its end.
  ///
  /// - Parameters:
  ///   - words: what follows the name of the program; `--json` is added.
  ///   - log: the file for everything it prints.
  /// - Throws: `CommandError.unusable` where it cannot be started; a program that fails is a result.
  init(_ words: [String], log: String) throws(CommandError) {
    guard let program = Bundle.main.executablePath else {
      throw .unusable(path: "the program", reason: "cannot be found, so it cannot be started again")
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = words + ["--json"]
    process.standardInput = FileHandle.nullDevice
    do {
      try Data().write(to: URL(fileURLWithPath: log))
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: log))
      defer { try? file.close() }
      (process.standardOutput, process.standardError) = (file, file)
      try process.run()
    } catch {
      throw .unusable(
        path: program, reason: "cannot be started with its output in \(log): \(error)")
    }
    Self.running = process.processIdentifier
    Self.setHandlers { number in
      kill(ChildProcess.running, SIGKILL)
      _exit(128 + number)
    }
    process.waitUntilExit()
    Self.setHandlers(SIG_DFL)
    let text = FileManager.default.contents(atPath: log).map { String(decoding: $0, as: UTF8.self) }
    let lines = (text ?? "").split(separator: "\n")
    let status = process.terminationStatus
    if process.terminationReason == .uncaughtSignal {
      (result, fault) = (nil, "it was ended by signal \(status); what it printed is in \(log)")
    } else if status != 0 {
      let said = lines.last { $0.hasPrefix("peft: ") }?.dropFirst(6)
      (result, fault) = (nil, said.map(String.init) ?? "exit code \(status); see \(log)")
    } else {
      result = lines.last { $0.hasPrefix("{") }.flatMap { try? JSON(parsing: Array($0.utf8)) }
      fault = result == nil ? "it printed no result; see \(log)" : ""
    }
  }

  /// The process that is waited for.
  ///
  /// Only the thread that waits writes it, while no handler is set that reads it.
  nonisolated(unsafe) private static var running: Int32 = 0

  /// A child has a process group of its own, so that a key pressed to end this process would not end it by itself.
  private static func setHandlers(_ handler: (@convention(c) (Int32) -> Void)?) {
    for number in [SIGINT, SIGTERM] { signal(number, handler) }
  }
}
