import Foundation
import PEFTTestSupport
import XCTest

/// Where results go wrong: a full disk behind standard output, a folder that cannot be written.
final class OutputTests: XCTestCase {
  func testAFullStandardOutputIsAnError() throws {
    guard FileManager.default.fileExists(atPath: "/dev/full") else {
      throw XCTSkip("this system has no /dev/full")
    }
    let process = Process()
    process.executableURL = try CommandRun.program()
    process.arguments = ["help"]
    process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
    let errors = Pipe()
    process.standardError = errors
    try process.run()
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    XCTAssertEqual(process.terminationStatus, 1, text)
    XCTAssert(text.contains("standard output"), text)
  }
}
