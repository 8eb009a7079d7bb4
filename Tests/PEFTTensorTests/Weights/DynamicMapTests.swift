import PEFTTensor
import XCTest

final class DynamicMapTests: XCTestCase {
  func testMapsAreThoseOfBitsandbytes() throws {
    let fixture = try WeightFixture.load()
    XCTAssertEqual(DynamicMap.signed.values, WeightFixture.floats(fixture.signed))
    XCTAssertEqual(DynamicMap.unsigned.values, WeightFixture.floats(fixture.unsigned))
  }
}
