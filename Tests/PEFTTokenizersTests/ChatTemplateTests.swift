import Foundation
import PEFTTestSupport
import PEFTTokenizers
import XCTest

/// Compares with what Transformers gives (Tests/Fixtures/ChatTemplates/make_expected.py).
final class ChatTemplateTests: XCTestCase {
  private struct Expected: Decodable {
    struct Case: Decodable {
      var name: String
      var conversation: Int
      var tools: Bool
      var prompt: Bool
      var text: String?
      var spans: [[Int]]?
      var error: String?
    }

    var conversations: [[String]]
    var tools: [String]
    var variables: [String: String]
    var cases: [Case]
    var templates: [String: String]
  }

  private func expected() throws -> Expected {
    let url = Files.fixture("ChatTemplates/expected.json")
    return try JSONDecoder().decode(Expected.self, from: Data(contentsOf: url))
  }

  func testTextsEqualTheReference() throws {
    let expected = try expected()
    for item in expected.cases {
      let messages = try expected.conversations[item.conversation].map(ChatMessage.init(json:))
      let note = "\(item.name), conversation \(item.conversation)"
      do {
        let template = try ChatTemplate(expected.templates[item.name] ?? "?")
        let tools = item.tools ? expected.tools : []
        let text = try template.render(
          messages, addGenerationPrompt: item.prompt, tools: tools, variables: expected.variables)
        if let error = item.error {
          XCTFail("\(note): \(text.debugDescription) where the reference says \(error)")
        }
        expectSameBytes(text, item.text, note)
        if let spans = item.spans, !item.prompt {
          let found = try template.renderWithSpans(
            messages, tools: tools, variables: expected.variables)
          XCTAssertEqual(
            found.spans.map { [$0.lowerBound, $0.upperBound] }, spans, note)
        }
      } catch {
        XCTAssertNotNil(item.error, "\(note): \(error)")
        if case ChatTemplateError.raised(_, let message) = error {
          XCTAssertEqual("TemplateError: \(message)", item.error, note)
        }
      }
    }
  }

  func testSpansWithoutGeneration() throws {
    let template = try ChatTemplate(
      """
      {% for m in messages %}<{{ m.role }}>{{ m.content }}<end>{% endfor %}
      {% if add_generation_prompt %}<assistant>{% endif %}
      """)
    let messages = [
      ChatMessage(role: "user", content: "é?"), ChatMessage(role: "assistant", content: "Yes"),
      ChatMessage(role: "user", content: "Why"), ChatMessage(role: "assistant", content: "So"),
    ]
    let found = try template.renderWithSpans(messages)
    let bytes = Array(found.text.utf8)
    XCTAssertEqual(
      found.spans.map { String(decoding: bytes[$0], as: UTF8.self) },
      ["Yes<end>", "So<end>"])
  }

  func testSpansOfChosenMessages() throws {
    let plain = "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}<end>{% endfor %}"
    let marked = """
      {% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}\
      {% generation %}{{ m.content }}<end>{% endgeneration %}\
      {% else %}{{ m.content | trim }}<end>{% endif %}{% endfor %}
      """
    let messages = [
      ChatMessage(role: "system", content: "system"), ChatMessage(role: "user", content: " é? "),
      ChatMessage(role: "assistant", content: "Yes"), ChatMessage(role: "user", content: "x"),
      ChatMessage(role: "assistant", content: "So"), ChatMessage(role: "user", content: ""),
    ]
    let table: [([Bool], [String])] = [
      ([false, false, false, false, true, false], ["So<end>"]),
      ([false, true, false, true, false, true], ["é?<end>", "x<end>", "<end>"]),
      ([true, false, true, false, false, false], ["system<end>", "Yes<end>"]),
      (
        [true, true, true, true, true, true],
        ["system<end>", "é?<end>", "Yes<end>", "x<end>", "So<end>", "<end>"]
      ),
    ]
    for source in [plain, marked] {
      for (choice, expected) in table {
        let found = try ChatTemplate(source).renderWithSpans(messages, choosing: choice)
        let bytes = Array(found.text.utf8)
        // Without marks the beginning of an answer is not known, so that what the assistant says begins with its role.
        let texts = found.spans.map { String(decoding: bytes[$0], as: UTF8.self) }
          .map { $0.replacingOccurrences(of: "<assistant>", with: "") }
        XCTAssertEqual(texts, expected, "\(choice) of \(source)")
      }
    }
  }

  func testMessagesMustComeOneByOneForSpans() throws {
    let template = try ChatTemplate("{{ messages | length }}{{ messages[-1].content }}")
    let messages = [
      ChatMessage(role: "assistant", content: "a"), ChatMessage(role: "user", content: "b"),
    ]
    XCTAssertThrowsError(try template.renderWithSpans(messages)) {
      XCTAssertEqual($0 as? ChatTemplateError, .noSpan(message: 0))
    }
  }

  func testDates() throws {
    let template = try ChatTemplate("{{ strftime_now('%d %b %Y|%-d %B %y|%A %a %j|%%') }}")
    let calendar = Calendar(identifier: .gregorian)
    let date = try XCTUnwrap(
      calendar.date(from: DateComponents(year: 2025, month: 3, day: 7, hour: 12)))
    XCTAssertEqual(
      try template.render([], date: date), "07 Mar 2025|7 March 25|Friday Fri 066|%")
  }

  func testTokenizerWithTemplate() throws {
    try Files.withTemporaryFolder { folder in
      let source = URL(fileURLWithPath: Fixtures.path("byte-level.json"))
      try FileManager.default.copyItem(
        at: source, to: folder.appendingPathComponent("tokenizer.json"))
      XCTAssertThrowsError(
        try Tokenizer(folder: folder.path).applyChatTemplate([])
      ) { XCTAssertEqual($0 as? ChatTemplateError, .noTemplate) }
      let settings = #"""
        {"eos_token": {"content": "<|end|>"}, "bos_token": null, "chat_template":
        "{% for m in messages %}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}"}
        """#
      let file = folder.appendingPathComponent("tokenizer_config.json")
      try Data(settings.utf8).write(to: file)
      let tokenizer = try Tokenizer(folder: folder.path)
      let messages = [
        ChatMessage(role: "user", content: "bake"), ChatMessage(role: "assistant", content: "lino"),
      ]
      let text = "user: bake<|end|>assistant: lino<|end|>"
      let ids = try tokenizer.applyChatTemplate(messages)
      XCTAssertEqual(ids, tokenizer.encode(text))
      XCTAssertEqual(tokenizer.decode(ids, skipSpecialTokens: false), text)
      let chat = try tokenizer.chat(messages)
      XCTAssertEqual(chat.ids, ids)
      let said = zip(ids, chat.isChosen).filter(\.1).map(\.0)
      XCTAssertEqual(
        tokenizer.decode(said, skipSpecialTokens: false), "assistant: lino<|end|>")
      try Data("{{ eos_token }}!".utf8).write(
        to: folder.appendingPathComponent("chat_template.jinja"))
      XCTAssertEqual(
        try Tokenizer(folder: folder.path).applyChatTemplate([]), tokenizer.encode("<|end|>!"))
    }
  }
}
