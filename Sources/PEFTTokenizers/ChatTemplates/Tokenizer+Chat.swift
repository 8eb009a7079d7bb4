public import Foundation

extension Tokenizer {
  /// A conversation as tokens.
  public struct Chat: Sendable, Equatable {
    /// The text of the conversation.
    public var text: String
    /// Its tokens.
    public var ids: [Int32]
    /// For each token whether the chosen messages say it.
    public var isChosen: [Bool]
  }

  /// The chat template of the tokenizer's folder.
  ///
  /// - Returns: the template.
  /// - Throws: `ChatTemplateError` where there is none, or where it is not written as known here.
  public func chatTemplate() throws(ChatTemplateError) -> ChatTemplate {
    guard let source = chatSettings.template else { throw .noTemplate }
    return try ChatTemplate(source)
  }

  /// The ids of a conversation, written by the chat template.
  ///
  /// The template puts the special tokens, so the post-processor adds none.
  ///
  /// - Parameters:
  ///   - messages: the messages.
  ///   - addGenerationPrompt: whether the beginning of an answer is put behind them.
  ///   - tools: JSON objects that describe functions the model may call.
  ///   - template: another template than that of the tokenizer's folder.
  ///   - date: what the template takes for now.
  /// - Returns: the ids.
  /// - Throws: `ChatTemplateError`, also where the template refuses the messages.
  public func applyChatTemplate(
    _ messages: [ChatMessage], addGenerationPrompt: Bool = true, tools: [String] = [],
    template: ChatTemplate? = nil, date: Date = Date()
  ) throws(ChatTemplateError) -> [Int32] {
    let template = if let template { template } else { try chatTemplate() }
    let text = try template.render(
      messages, addGenerationPrompt: addGenerationPrompt, tools: tools,
      variables: chatSettings.variables, date: date)
    return encode(text, addSpecialTokens: false)
  }

  /// The tokens of a conversation, and which of them the assistant, or who else is chosen, says.
  ///
  /// - Parameters:
  ///   - messages: the messages.
  ///   - choosing: for each message whether its tokens are marked; nil for those of the assistant.
  ///   - tools: JSON objects that describe functions the model may call.
  ///   - template: another template than that of the tokenizer's folder.
  ///   - date: what the template takes for now.
  /// - Returns: the text, the ids and the mask. A token is a message's if it begins in what it says.
  /// - Throws: `ChatTemplateError`, also where it cannot be told where a chosen message is in the text.
  public func chat(
    _ messages: [ChatMessage], choosing: [Bool]? = nil, tools: [String] = [],
    template: ChatTemplate? = nil, date: Date = Date()
  ) throws(ChatTemplateError) -> Chat {
    let template = if let template { template } else { try chatTemplate() }
    let rendering = try template.renderWithSpans(
      messages, choosing: choosing, tools: tools, variables: chatSettings.variables, date: date)
    let encoding = encoding(of: rendering.text, addSpecialTokens: false)
    var spans = rendering.spans[...]
    let isChosen = encoding.byteOffsets.map { offsets in
      while let first = spans.first, first.upperBound <= offsets.lowerBound { spans.removeFirst() }
      return spans.first.map { $0.lowerBound <= offsets.lowerBound && !offsets.isEmpty } ?? false
    }
    return Chat(text: rendering.text, ids: encoding.ids, isChosen: isChosen)
  }
}
