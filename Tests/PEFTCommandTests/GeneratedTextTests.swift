import PEFTDefaultModel
import XCTest

final class GeneratedTextTests: XCTestCase {
  func testTheSameSeedGivesTheSameStories() {
    var (one, same, other) = (
      StoryGenerator(seed: 9), StoryGenerator(seed: 9), StoryGenerator(seed: 10)
    )
    let stories = (0..<50).map { _ in one.next() }
    XCTAssertEqual(stories, (0..<50).map { _ in same.next() })
    XCTAssertNotEqual(stories, (0..<50).map { _ in other.next() })
    XCTAssertEqual(Set(stories).count, stories.count, "stories repeat")
  }

  /// The published model was trained on these bytes: another sum says that it has to be trained anew.
  func testTextsAreTheSameOnEveryMachine() {
    var texts = BaseText(seed: 1)
    var rows = WeatherRows(seed: 1)
    let base = (0..<200).map { _ in texts.next() }.joined(separator: "\n")
    let report = rows.rows(200).map { $0.prompt + $0.completion }.joined(separator: "\n")
    XCTAssertEqual(checksum(base), 10_522_530_404_386_096_885)
    XCTAssertEqual(checksum(report), 876_719_362_615_572_710)
  }

  func testRowsSayWhatTheFieldsSay() throws {
    var generator = WeatherRows(seed: 3)
    let rows = generator.rows(300)
    XCTAssertEqual(Set(rows.map(\.prompt)).count, rows.count)
    for row in rows {
      let fields = row.prompt.dropLast(" =>".count).split(separator: " | ").map {
        $0.split(separator: ": ")[1]
      }
      let wind = fields[5].split(separator: " ")
      XCTAssertEqual(
        row.facts.dropLast(),
        [
          "\(fields[0])", "\(fields[1])", "between \(fields[3]) and \(fields[4]) degrees",
          "\(wind[0])", "the \(wind[1])",
        ])
      for fact in row.facts {
        XCTAssert(row.completion.contains(fact), "\(row.prompt)\(row.completion) lacks \(fact)")
      }
      XCTAssert(row.completion.hasPrefix(" ") && row.completion.hasSuffix("."))
    }
  }

  func testHeldOutRowsAreNotAmongTheOthers() {
    var generator = WeatherRows(seed: 3)
    let held = generator.rows(100)
    let training = generator.rows(1000, except: held)
    XCTAssert(Set(held.map(\.prompt)).isDisjoint(with: training.map(\.prompt)))
  }

  /// FNV-1a over the bytes of a text.
  private func checksum(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
