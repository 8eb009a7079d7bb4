import PEFTTraining
import XCTest

final class SpikeDetectorTests: XCTestCase {
  func testTheLimitIsMeanAndDeviations() throws {
    var detector = SpikeDetector(window: 4, threshold: 3)
    XCTAssertNil(detector.limit)
    XCTAssertFalse(detector.isSpike(100))
    XCTAssertNil(detector.limit)
    for value in [1.0, 3, 1, 3] { XCTAssertFalse(detector.isSpike(value)) }
    // Mean 2, deviation 1: the 100 has left the window.
    XCTAssertEqual(try XCTUnwrap(detector.limit), 5, accuracy: 1e-12)
    XCTAssertFalse(detector.isSpike(5))
    XCTAssertEqual(detector.recent, [3, 1, 3, 5])
  }

  func testASpikeStandsAsTheLimit() {
    var detector = SpikeDetector(window: 4, threshold: 3)
    for value in [1.0, 3, 1, 3] { _ = detector.isSpike(value) }
    XCTAssertTrue(detector.isSpike(1e9))
    XCTAssertEqual(detector.recent, [3, 1, 3, 5])
    XCTAssertTrue(detector.isSpike(.nan))
    XCTAssertTrue(detector.isSpike(.infinity))
    XCTAssertEqual(detector.recent, [3, 1, 3, 5])
  }

  func testNumbersThatHardlyDifferMakeNoSpikes() {
    var detector = SpikeDetector(window: 10, threshold: 6)
    for _ in 0..<10 { XCTAssertFalse(detector.isSpike(2)) }
    XCTAssertFalse(detector.isSpike(2.1))
    XCTAssertTrue(detector.isSpike(2.5))
  }
}
