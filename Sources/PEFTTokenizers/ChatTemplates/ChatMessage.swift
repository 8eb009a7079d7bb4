import PEFTJSON

/// A message of a conversation.
public struct ChatMessage: Sendable {
  let json: JSON

  /// A message of text.
  ///
  /// - Parameters:
  ///   - role: who says it: `system`, `user`, `assistant`, `tool` or what else the template knows.
  ///   - content: what is said.
  public init(role: String, content: String) {
    json = .object([
      JSON.Member("role", .string(role)), JSON.Member("content", .string(content)),
    ])
  }

  /// A message with all that a template may ask for, such as `tool_calls`.
  ///
  /// - Parameter json: a JSON object.
  /// - Throws: `ChatTemplateError.invalidJSON` for anything else.
  public init(json: String) throws(ChatTemplateError) {
    self.json = try ChatMessage.object(json, what: "a message")
  }

  /// Who says it, nil where the message does not tell.
  public var role: String? { json["role"]?.string }

  /// What is said, nil where the message has no text.
  public var content: String? { json["content"]?.string }

  /// The same message with a text that begins otherwise; nil where it says none.
  func saying(otherThan text: String?) -> ChatMessage? {
    guard let text, let role else { return nil }
    let first = text.unicodeScalars.first { !$0.properties.isWhitespace }
    return ChatMessage(role: role, content: first == "x" ? "y" : "x")
  }

  /// The JSON object in a text.
  static func object(_ text: String, what: String) throws(ChatTemplateError) -> JSON {
    do {
      let json = try JSON(parsing: Array(text.utf8))
      if json.members != nil { return json }
      throw ChatTemplateError.invalidJSON(what: what, reason: "it is \(json.kind)")
    } catch let error as ChatTemplateError {
      throw error
    } catch {
      throw .invalidJSON(what: what, reason: "\(error)")
    }
  }
}
