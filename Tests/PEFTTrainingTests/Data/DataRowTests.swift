import PEFTTraining
import XCTest

final class DataRowTests: XCTestCase {
  private func fields(
    _ values: [(String, DataValue)], names: [String: String] = [:]
  ) -> RowFields {
    RowFields(
      DataRecord(line: 1, fields: values.map { .init($0.0, $0.1) }), names: names)
  }

  func testRowsOfLanguageModels() throws {
    XCTAssertEqual(
      try TrainingRow(fields([("text", .text("a")), ("id", .integer(1))])), .text("a"))
    XCTAssertEqual(
      try TrainingRow(fields([("prompt", .text("a")), ("completion", .text("b"))])),
      .completion(prompt: "a", completion: "b"))
    XCTAssertEqual(
      try TrainingRow(
        fields(
          [("mr", .text("a")), ("ref", .text("b"))],
          names: ["prompt": "mr", "completion": "ref"])),
      .completion(prompt: "a", completion: "b"))
    XCTAssertEqual(
      try TrainingRow(
        fields([("instruction", .text("Add.")), ("input", .text("1 2")), ("output", .text("3"))])),
      .completion(
        prompt: "### Instruction:\nAdd.\n\n### Input:\n1 2\n\n### Response:\n", completion: "3"))
    XCTAssertEqual(
      try TrainingRow(
        fields([("instruction", .text("Go.")), ("input", .null), ("output", .text("3"))])),
      .completion(prompt: "### Instruction:\nGo.\n\n### Response:\n", completion: "3"))
    let turns: [DataValue] = [
      .object([.init("role", .text("user")), .init("content", .text("a"))]),
      .object([.init("role", .text("assistant")), .init("content", .text("b"))]),
    ]
    XCTAssertEqual(
      try TrainingRow(fields([("messages", .list(turns))])),
      .messages([
        ChatTurn(role: "user", content: "a"), ChatTurn(role: "assistant", content: "b"),
      ]))
  }

  func testFaultsNameWhatIsThere() {
    func fault(_ values: [(String, DataValue)], names: [String: String] = [:]) -> RowFault? {
      do {
        _ = try TrainingRow(fields(values, names: names))
        return nil
      } catch { return error }
    }
    XCTAssertEqual(fault([("a", .null)])?.found, "members \"a\"")
    XCTAssertEqual(
      fault([("a", .null)], names: ["text": "body"])?.found,
      "members \"a\"; none is called \"body\"")
    XCTAssertEqual(
      fault([("text", .integer(3))]),
      RowFault(expected: "a string as \"text\"", found: "an integer"))
    XCTAssertNotNil(fault([("text", .text("a")), ("messages", .list([]))]))
    XCTAssertEqual(fault([("messages", .list([]))])?.found, "an empty array")
    XCTAssertEqual(
      fault([("messages", .list([.object([.init("role", .text("user"))])]))]),
      RowFault(
        expected: "a string as \"content\" of message 1", found: "nothing of that name"))
    let turn = [DataRecord.Field("role", .text("user")), .init("content", .text(""))]
    XCTAssertEqual(
      fault([("messages", .list([.object(turn + [.init("weight", .text("1"))])]))]),
      RowFault(expected: "0 or 1 as \"weight\" of message 1", found: "a string"))
  }

  func testRowsOfClassifiers() throws {
    XCTAssertEqual(
      try LabelledRow(fields([("sentence", .text("a")), ("label", .integer(1))])),
      LabelledRow(text: "a", label: "1"))
    XCTAssertEqual(
      try LabelledRow(
        fields([
          ("premise", .text("a")), ("hypothesis", .text("b")), ("label", .text(" yes ")),
        ])), LabelledRow(text: "a", pair: "b", label: "yes"))
    XCTAssertEqual(
      try LabelledRow(
        fields(
          [("review", .text("a")), ("stars", .text("5"))],
          names: ["text": "review", "label": "stars"])), LabelledRow(text: "a", label: "5"))
    for bad: [(String, DataValue)] in [
      [("text", .text("a"))], [("label", .text("a"))],
      [("text", .text("a")), ("label", .number(0.5))],
      [("text", .text("a")), ("label", .text(" "))],
      [("text", .integer(1)), ("label", .text("a"))],
    ] {
      XCTAssertThrowsError(try LabelledRow(fields(bad)))
    }
  }

  func testConversations() {
    let row = TrainingRow.messages([
      ChatTurn(role: "user", content: "a"), ChatTurn(role: "assistant", content: "b"),
      ChatTurn(role: "user", content: "c"), ChatTurn(role: "assistant", content: "d"),
    ])
    var encoder = CharacterTokenizer.encoder(beginning: 1, addsSpecialTokens: false)
    let learned = encoder.encode(row).example.map { example in
      example.labels.filter { $0 != -100 }
    }
    XCTAssertEqual(learned, [98, 10, 100, 2])
    encoder.encodeChat = { turns, choice in
      XCTAssertEqual(choice, [false, true, false, true])
      return ([5, 6, 7], [false, true, turns.count == 4])
    }
    XCTAssertEqual(
      encoder.encode(row), .whole(TrainingExample(ids: [5, 6, 7], labels: [-100, 6, 7])))
    struct Refusal: Error, CustomStringConvertible { let description = "no system role" }
    encoder.encodeChat = { _, _ in throw Refusal() }
    XCTAssertEqual(encoder.encode(row), .refused("no system role"))
  }

  func testTurnsAreChosenByRoleAndPlaceAndByThemselves() throws {
    func turn(_ role: String, _ text: String, _ weight: DataValue = .null) -> DataValue {
      .object([
        .init("role", .text(role)), .init("content", .text(text)), .init("weight", weight),
      ])
    }
    let row = try TrainingRow(
      fields([
        (
          "messages",
          .list([
            turn("system", "s"), turn("user", "a"), turn("assistant", "b", .integer(0)),
            turn("user", "c", .number(1)), turn("assistant", "d"), turn("tool", "e"),
          ])
        )
      ]))
    guard case .messages(let turns) = row else { return XCTFail("\(row)") }
    let table: [(LearnedTurns, String)] = [
      (LearnedTurns(), "cd"), (LearnedTurns(isOnlyLast: true), "d"),
      (LearnedTurns(roles: ["user"]), "ac"), (LearnedTurns(roles: ["system"]), "sc"),
      (LearnedTurns(roles: ["system"], isOnlyLast: true), "c"),
      (LearnedTurns(roles: ["tool", "assistant"]), "cde"),
      (LearnedTurns(roles: ["tool", "assistant"], isOnlyLast: true), "e"),
    ]
    for (choice, learned) in table {
      let chosen = zip(turns, choice.choice(of: turns)).filter(\.1).map(\.0.content)
      XCTAssertEqual(chosen.joined(), learned, "\(choice)")
      var encoder = CharacterTokenizer.encoder(beginning: 1, addsSpecialTokens: false)
      encoder.learnedTurns = choice
      let labels = try XCTUnwrap(encoder.encode(row).example).labels.filter { $0 > 32 }
      XCTAssertEqual(labels, learned.utf8.map(Int32.init), "\(choice)")
    }
  }

  func testAConversationOfWhichNothingIsLearnedIsRefused() {
    let row = TrainingRow.messages([
      ChatTurn(role: "user", content: "a"),
      ChatTurn(role: "assistant", content: "b", isLearned: false),
    ])
    var encoder = CharacterTokenizer.encoder(beginning: 1, addsSpecialTokens: false)
    XCTAssertEqual(encoder.encode(row), .refused("no message of assistant to learn"))
    encoder.learnedTurns.roles = ["tool", "assistant"]
    XCTAssertEqual(encoder.encode(row), .refused("no message of assistant or tool to learn"))
  }
}
