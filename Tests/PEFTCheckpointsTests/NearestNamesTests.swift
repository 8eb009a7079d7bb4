import PEFTCheckpoints
import XCTest

final class NearestNamesTests: XCTestCase {
  func testNearestComeFirst() {
    let names = ["h.0.attn.weight", "h.1.attn.weight", "h.0.mlp.weight", "x"]
    XCTAssertEqual(
      nearestNames(to: "h.1.atn.weight", among: names),
      ["h.1.attn.weight", "h.0.attn.weight", "h.0.mlp.weight"])
    XCTAssertEqual(nearestNames(to: "h.1.atn.weight", among: names, count: 1), ["h.1.attn.weight"])
  }

  func testNothingIsNear() {
    XCTAssertEqual(nearestNames(to: "weight", among: ["bias", "", "something else"]), [])
    XCTAssertEqual(nearestNames(to: "weight", among: []), [])
    XCTAssertEqual(nearestNames(to: "", among: ["a"]), [])
  }
}
