import PEFTTraining
import XCTest

final class GradientBucketsTests: XCTestCase {
  func testBucketsAreFilledInOrder() {
    let buckets = GradientBuckets(
      order: [3, 2, 1, 0], counts: [10, 10, 10, 10], smallest: 20, most: 32)
    XCTAssertEqual(buckets.places, [[3, 2], [1, 0]])
  }

  func testTheLastBucketTakesTheRest() {
    let buckets = GradientBuckets(order: [0, 1, 2], counts: [4, 4, 1], smallest: 5, most: 32)
    XCTAssertEqual(buckets.places, [[0, 1], [2]])
  }

  func testALargeTensorIsABucketByItself() {
    let buckets = GradientBuckets(order: [0, 1, 2], counts: [1000, 1, 1], smallest: 2, most: 32)
    XCTAssertEqual(buckets.places, [[0], [1, 2]])
  }

  func testThereAreNotManyBuckets() {
    let counts = Array(repeating: 100, count: 1000)
    let buckets = GradientBuckets(order: Array(0..<1000), counts: counts, smallest: 1, most: 8)
    XCTAssertEqual(buckets.places.count, 8)
    XCTAssertEqual(buckets.places.flatMap { $0 }, Array(0..<1000))
  }

  func testNothingToTrainHasNoBucket() {
    XCTAssertEqual(GradientBuckets(order: [], counts: []).places, [])
  }

  func testTheOrderOfUnknownPassesIsTheReverse() {
    XCTAssertEqual(GradientBuckets.initialOrder(3), [2, 1, 0])
  }

  func testWhatWasNeverFinalComesLast() {
    XCTAssertEqual(GradientBuckets.order(seen: [2, 0], count: 5), [2, 0, 4, 3, 1])
  }
}
