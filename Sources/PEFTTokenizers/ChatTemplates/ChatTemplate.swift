public import Foundation

/// How the messages of a conversation are written as one text for a model.
///
/// A template in the part of Jinja that chat templates use: loops, conditions, `set` and namespaces, macros,
/// the usual filters, tests and methods, `{% generation %}`. What is outside of it is an error with its line.
/// Rendering is bounded in time, memory and depth.
public struct ChatTemplate: Sendable {
  /// The text of the template.
  public let source: String
  private let statements: [Template.Statement]
  private let hasGeneration: Bool

  /// A conversation as one text.
  public struct Rendering: Sendable, Equatable {
    /// The text.
    public var text: String
    /// The UTF-8 bytes of the text that the assistant says, in order.
    public var assistantSpans: [Range<Int>]
  }

  /// Reads a template.
  ///
  /// - Parameter source: the text of the template.
  /// - Throws: `ChatTemplateError` naming the line.
  public init(_ source: String) throws(ChatTemplateError) {
    self.source = source
    statements = try Template.Parser.statements(of: source)
    hasGeneration = statements.contains(where: \.hasGeneration)
  }

  /// The text of a conversation.
  ///
  /// - Parameters:
  ///   - messages: the messages.
  ///   - addGenerationPrompt: whether the beginning of an answer is put behind them.
  ///   - tools: JSON objects that describe functions the model may call.
  ///   - variables: other variables of the template, such as `bos_token`.
  ///   - date: what `strftime_now` takes for now.
  /// - Returns: the text.
  /// - Throws: `ChatTemplateError`, also where the template refuses the messages.
  public func render(
    _ messages: [ChatMessage], addGenerationPrompt: Bool = false, tools: [String] = [],
    variables: [String: String] = [:], date: Date = Date()
  ) throws(ChatTemplateError) -> String {
    try run(messages, addGenerationPrompt, tools, variables, date).output
  }

  /// The text of a conversation, and where in it the assistant speaks.
  ///
  /// A template with `{% generation %}` tells itself. With any other one the spans are what a message of the
  /// assistant adds to the text of the messages before it with the beginning of an answer.
  ///
  /// - Parameters:
  ///   - messages: the messages.
  ///   - tools: JSON objects that describe functions the model may call.
  ///   - variables: other variables of the template, such as `bos_token`.
  ///   - date: what `strftime_now` takes for now.
  /// - Returns: the text with the spans.
  /// - Throws: `ChatTemplateError`, also where the spans cannot be told.
  /// - Complexity: without `{% generation %}` the template is rendered twice for each such message.
  public func renderWithSpans(
    _ messages: [ChatMessage], tools: [String] = [], variables: [String: String] = [:],
    date: Date = Date()
  ) throws(ChatTemplateError) -> Rendering {
    let whole = try run(messages, false, tools, variables, date)
    if hasGeneration { return Rendering(text: whole.output, assistantSpans: whole.spans) }
    var spans: [Range<Int>] = []
    for (index, message) in messages.enumerated() where message.role == "assistant" {
      let before = Array(messages[..<index])
      let end = try run(before + [message], false, tools, variables, date).output
      guard whole.output.utf8.starts(with: end.utf8) else { throw .noSpan(message: index) }
      var start: String?
      for prompts in [true, false] where start == nil && (prompts || index > 0) {
        let text = try? run(before, prompts, tools, variables, date).output
        if let text, end.utf8.starts(with: text.utf8) { start = text }
      }
      guard let start else { throw .noSpan(message: index) }
      spans.append(start.utf8.count..<end.utf8.count)
    }
    return Rendering(text: whole.output, assistantSpans: spans)
  }

  private func run(
    _ messages: [ChatMessage], _ addGenerationPrompt: Bool, _ tools: [String],
    _ variables: [String: String], _ date: Date
  ) throws(ChatTemplateError) -> (output: String, spans: [Range<Int>]) {
    var values: [String: Template.Value] = variables.mapValues { .string($0) }
    values["messages"] = .list(messages.map { Template.Value($0.json) })
    values["add_generation_prompt"] = .boolean(addGenerationPrompt)
    var list: [Template.Value] = []
    for tool in tools { list.append(Template.Value(try ChatMessage.object(tool, what: "a tool"))) }
    values["tools"] = tools.isEmpty ? Template.Value.none : .list(list)
    values["documents"] = Template.Value.none
    var renderer = Template.Renderer(values) { DateText(date).text(format: $0) }
    try renderer.render(statements)
    return (renderer.output, renderer.spans)
  }
}

extension Template.Statement {
  /// Whether a part of it is marked as the assistant's.
  fileprivate var hasGeneration: Bool {
    switch kind {
    case .generation: true
    case .condition(let branches, let otherwise):
      branches.contains { $0.body.contains(where: \.hasGeneration) }
        || otherwise.contains(where: \.hasGeneration)
    case .loop(_, _, _, let body, let otherwise):
      body.contains(where: \.hasGeneration) || otherwise.contains(where: \.hasGeneration)
    default: false
    }
  }
}
