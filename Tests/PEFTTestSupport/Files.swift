public import Foundation
import XCTest

/// Where tests find files: fixtures inside the package, and data beside it that may be missing.
public enum Files {
  /// The root of the package.
  public static let package: URL =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// A file or folder under Tests/Fixtures.
  public static func fixture(_ path: String) -> URL {
    package.appendingPathComponent("Tests/Fixtures/\(path)")
  }

  /// A file or folder of the data beside the package (`../shared`, or `$PEFT_SHARED`).
  ///
  /// - Throws: `XCTSkip` where it is missing.
  public static func shared(_ path: String) throws -> URL {
    let root =
      ProcessInfo.processInfo.environment["PEFT_SHARED"].map { URL(fileURLWithPath: $0) }
      ?? package.deletingLastPathComponent().appendingPathComponent("shared")
    let url = root.appendingPathComponent(path)
    guard FileManager.default.fileExists(atPath: url.path) else {
      throw XCTSkip("needs the shared data \(path), which is not beside this package")
    }
    return url
  }

  /// Runs `body` with a new empty folder, which is removed afterwards.
  public static func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("peft-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }
}
