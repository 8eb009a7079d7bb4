import Foundation
import XCTest

/// A Python with the modules that a test compares with: `$PEFT_PYTHON`, or `python3`.
public struct Python {
  private let program: URL
  private let first: [String]

  /// Looks for it.
  ///
  /// - Parameter modules: what it must be able to import.
  /// - Throws: `XCTSkip` where there is none.
  public init(importing modules: String...) throws {
    let named = ProcessInfo.processInfo.environment["PEFT_PYTHON"]
    program = URL(fileURLWithPath: named ?? "/usr/bin/env")
    first = named == nil ? ["python3"] : []
    let words = first + ["-c", "import " + modules.joined(separator: ", ")]
    guard let run = try? ProgramRun(program, words), run.exitCode == 0 else {
      throw XCTSkip(
        "needs a Python with \(modules.joined(separator: ", ")); PEFT_PYTHON names one")
    }
  }

  /// Runs a script, or with `-c` a text, and waits for its end.
  public func callAsFunction(_ words: [String]) throws -> ProgramRun {
    try ProgramRun(program, first + words)
  }
}
