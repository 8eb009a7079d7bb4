import Foundation
import PEFTTestSupport
import XCTest

final class ClientPackageTests: XCTestCase {
  /// A package that depends on this one by path builds and runs: no flags that SwiftPM refuses to dependencies.
  func testPackageThatDependsOnThisOneBuildsAndRuns() throws {
    let client = Files.fixture("ClientPackage")
    let scratch = Files.package.appendingPathComponent(".build/client-package").path
    let run = try CommandRun(
      URL(fileURLWithPath: "/usr/bin/env"),
      // Without a new plan, files that were added or removed since the last run would be missed.
      [
        "swift", "run", "--disable-build-manifest-caching", "--package-path", client.path,
        "--scratch-path", scratch, "Client",
      ])
    XCTAssertEqual(run.exitCode, 0, String((run.output + run.errors).suffix(4000)))
    XCTAssert(
      run.output.contains("output [1.0, 2.0, 3.0] gradient [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]"),
      run.output)
    XCTAssert(run.output.contains("scale 4.0"), run.output)
  }
}
