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
    /// The UTF-8 bytes of the text that the chosen messages say, in order.
    public var spans: [Range<Int>]
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

  /// The text of a conversation, and where in it the assistant, or who else is chosen, speaks.
  ///
  /// A template with `{% generation %}` tells itself where the assistant does. With any other one the spans are what a message of the
  /// assistant adds to the text of the messages before it with the beginning of an answer, and those of other messages reach
  /// from where the text depends on what they say.
  ///
  /// - Parameters:
  ///   - messages: the messages.
  ///   - choosing: for each message whether its span is wanted; nil for those of the assistant.
  ///   - tools: JSON objects that describe functions the model may call.
  ///   - variables: other variables of the template, such as `bos_token`.
  ///   - date: what `strftime_now` takes for now.
  /// - Returns: the text with the spans.
  /// - Throws: `ChatTemplateError`, also where the spans cannot be told.
  /// - Complexity: without `{% generation %}` the template is rendered twice for each such message.
  public func renderWithSpans(
    _ messages: [ChatMessage], choosing: [Bool]? = nil, tools: [String] = [],
    variables: [String: String] = [:], date: Date = Date()
  ) throws(ChatTemplateError) -> Rendering {
    precondition(
      choosing.map { $0.count == messages.count } ?? true,
      "ChatTemplate: \(choosing?.count ?? 0) choices for \(messages.count) messages")
    let isAssistant = messages.map { $0.role == "assistant" }
    let isChosen = choosing ?? isAssistant
    let whole = try run(messages, false, tools, variables, date)
    if hasGeneration, isChosen == isAssistant {
      return Rendering(text: whole.output, spans: whole.spans)
    }
    func text(_ messages: [ChatMessage], _ prompts: Bool = false) throws(ChatTemplateError)
      -> String
    {
      try run(messages, prompts, tools, variables, date).output
    }
    var spans: [Range<Int>] = []
    for (index, message) in messages.enumerated() where isChosen[index] {
      let before = Array(messages[..<index])
      let end = try text(before + [message])
      guard whole.output.utf8.starts(with: end.utf8) else { throw .noSpan(message: index) }
      var start: Int?
      if isAssistant[index] {
        for prompts in [true, false] where start == nil && (prompts || index > 0) {
          let text = try? text(before, prompts)
          if let text, end.utf8.starts(with: text.utf8) { start = text.utf8.count }
        }
      } else if let other = message.saying(otherThan: message.content) {
        start = zip(end.utf8, try text(before + [other]).utf8).prefix { $0 == $1 }.count
      }
      guard let start else { throw .noSpan(message: index) }
      let span = start..<end.utf8.count
      if hasGeneration, isAssistant[index] {
        spans += whole.spans.filter { span.contains($0.lowerBound) && !$0.isEmpty }
      } else {
        spans.append(span)
      }
    }
    return Rendering(text: whole.output, spans: spans)
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
