import Foundation
import PEFTJSON
import PEFTTestSupport
import PEFTTraining
import XCTest

final class ScheduleTests: XCTestCase {
  func testEqualsTransformers() throws {
    let json = try JSON(parsing: Data(contentsOf: Files.fixture("Training/schedules.json")))
    let rows = try XCTUnwrap(json["schedules"]?.elements)
    XCTAssertEqual(rows.count, 16)
    for row in rows {
      let name = try XCTUnwrap(row["name"]?.string)
      let (warmup, total) = (
        try XCTUnwrap(row["warmup"]?.integer), try XCTUnwrap(row["total"]?.integer)
      )
      let schedules: [String: Schedule] = [
        "constant": .constant(warmup: warmup), "linear": .linear(warmup: warmup),
        "cosine": .cosine(warmup: warmup), "cosine_minimum": .cosine(warmup: warmup, minimum: 0.1),
      ]
      let schedule = try XCTUnwrap(schedules[name])
      for (step, expected) in try XCTUnwrap(row["factors"]?.elements).enumerated() {
        XCTAssertEqual(
          schedule.factor(step: step, total: total), try XCTUnwrap(expected.number),
          accuracy: 1e-15, "\(name) \(warmup)/\(total) step \(step)")
      }
    }
  }

  func testLineToAMinimum() {
    let schedule = Schedule.linear(warmup: 2, minimum: 0.5)
    let factors = (0...7).map { schedule.factor(step: $0, total: 6) }
    XCTAssertEqual(factors, [0, 0.5, 1, 0.875, 0.75, 0.625, 0.5, 0.5])
  }

  func testTheEndStays() {
    XCTAssertEqual(Schedule.cosine(minimum: 0.25).factor(step: 30, total: 10), 0.25)
    XCTAssertEqual(Schedule.constant.factor(step: 30, total: 10), 1)
  }
}
