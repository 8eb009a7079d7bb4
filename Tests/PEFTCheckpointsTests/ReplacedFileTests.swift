import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import XCTest

#if canImport(Glibc)
  import Glibc
#endif

/// Files are replaced as a whole or not at all.
final class ReplacedFileTests: XCTestCase {
  private func expectFailure(
    _ operation: String, _ reason: String, file: StaticString = #filePath, line: UInt = #line,
    _ body: () throws -> Void
  ) {
    XCTAssertThrowsError(try body(), file: file, line: line) { error in
      guard case .ioFailure(_, let operated, let found)? = error as? CheckpointError else {
        return XCTFail("\(error)", file: file, line: line)
      }
      XCTAssertTrue(operated.contains(operation), operated, file: file, line: line)
      XCTAssertTrue(found.contains(reason), found, file: file, line: line)
    }
  }

  func testReplacing() throws {
    try Files.withTemporaryFolder { folder in
      let url = folder.appendingPathComponent(String(repeating: "n", count: 250))
      try atomicallyWrite("first", to: url.path)
      try atomicallyWrite("s\u{E9}cond", to: url.path)
      XCTAssertEqual(try String(contentsOf: url, encoding: .utf8), "s\u{E9}cond")
      try atomicallyWrite([], to: url.path)
      XCTAssertEqual(try Data(contentsOf: url), Data())
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path).count, 1)
    }
  }

  func testCopying() throws {
    try Files.withTemporaryFolder { folder in
      let (source, target) = (
        folder.appendingPathComponent("source").path, folder.appendingPathComponent("target").path
      )
      let bytes = Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 37) })
      try bytes.write(to: URL(fileURLWithPath: source))
      try atomicallyWrite("old", to: target)
      try atomicallyCopy(source, to: target)
      XCTAssertEqual(FileManager.default.contents(atPath: target), bytes)
      XCTAssertThrowsError(try atomicallyCopy(source + "s", to: target)) { error in
        guard case CheckpointError.fileUnreadable? = error as? CheckpointError else {
          return XCTFail("\(error)")
        }
      }
      expectFailure("create", "No such file") {
        try atomicallyCopy(source, to: folder.path + "/none/target")
      }
      XCTAssertEqual(FileManager.default.contents(atPath: target), bytes)
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path).count, 2)
    }
  }

  func testFoldersThatCannotBeWritten() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("file").path
      try atomicallyWrite("old", to: path)
      expectFailure("create", "Not a directory") { try atomicallyWrite("x", to: path + "/below") }
      expectFailure("create", "No such file") {
        try atomicallyWrite("x", to: folder.path + "/none/file")
      }
      expectFailure("create", "empty") { try atomicallyWrite("x", to: "") }
      expectFailure("create", "zero byte") { try atomicallyWrite("x", to: path + "\0") }
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["file"])
    }
  }

  func testMakingFolders() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.path + "/a/b/c"
      for path in [path, path, path + "/d/", folder.path] { try makeFolder(path) }
      var isFolder: ObjCBool = false
      XCTAssert(FileManager.default.fileExists(atPath: path + "/d", isDirectory: &isFolder))
      XCTAssert(isFolder.boolValue)
      try atomicallyWrite("x", to: path + "/file")
      expectFailure("making the folder", "File exists") { try makeFolder(path + "/file") }
      expectFailure("making the folder", "Not a directory") { try makeFolder(path + "/file/a/b") }
      expectFailure("making the folder", "No such file") { try makeFolder("") }
    }
  }

  func testFolderInTheWay() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("taken").path
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      expectFailure("rename", "directory") { try atomicallyWrite("x", to: path) }
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path), ["taken"])
    }
  }

  func testFullDiskLeavesTheOldFile() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("model.safetensors").path
      try SafetensorsFile.write([.init("w", Tensor([1, 2]))], to: path)
      let before = try Data(contentsOf: URL(fileURLWithPath: path))
      expectFailure("write", "File too large") {
        try withFileSizeLimit(10_000) {
          try SafetensorsFile.write([.init("w", Tensor(zeros: [100, 100]))], to: path)
        }
      }
      XCTAssertEqual(try Data(contentsOf: URL(fileURLWithPath: path)), before)
      XCTAssertEqual(
        try FileManager.default.contentsOfDirectory(atPath: folder.path), ["model.safetensors"])
    }
  }

  func testFailureWhileComputingLeavesTheOldFile() throws {
    try Files.withTemporaryFolder { folder in
      let path = folder.appendingPathComponent("model.safetensors").path
      try SafetensorsFile.write([.init("w", Tensor([1, 2]))], to: path)
      let failure = CheckpointError.missingField(path: "elsewhere", field: "x")
      let item = SafetensorsFile.Item("v", shape: [1]) { () throws(CheckpointError) in
        throw failure
      }
      XCTAssertThrowsError(try SafetensorsFile.write([item], to: path)) { error in
        XCTAssertEqual(error as? CheckpointError, failure)
      }
      XCTAssertEqual(try SafetensorsFile(path: path).names, ["w"])
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path).count, 1)
    }
  }
}
