/// One row of text for a language model.
public enum TrainingRow: Sendable, Hashable {
  /// A text of which every token is learned.
  case text(String)
  /// A text of which only the second part is learned.
  case completion(prompt: String, completion: String)
  /// A conversation of which some turns are learned, as `LearnedTurns` choose.
  case messages([ChatTurn])

  /// Whether there is a text that is learned.
  func hasLearnedText(_ learnedTurns: LearnedTurns) -> Bool {
    switch self {
    case .text(let text): !text.isEmpty
    case .completion(_, let completion): !completion.isEmpty
    case .messages(let turns):
      zip(turns, learnedTurns.choice(of: turns)).contains { $1 && !$0.content.isEmpty }
    }
  }
}

/// What one side says in a conversation.
public struct ChatTurn: Sendable, Hashable {
  /// Who says it: `system`, `user`, `assistant` or another that a chat template knows.
  public var role: String
  /// What is said.
  public var content: String
  /// Whether a model learns to say it; nil to go by the role.
  public var isLearned: Bool?

  /// A turn from its parts.
  public init(role: String, content: String, isLearned: Bool? = nil) {
    (self.role, self.content, self.isLearned) = (role, content, isLearned)
  }
}

extension TrainingRow: DataRow {
  /// Reads `prompt` and `completion`, or `instruction`, `output` and perhaps `input`, or `messages`, or `text`.
  ///
  /// - Parameter fields: the values of a record; others are not looked at.
  /// - Throws: `RowFault` where it has none of these, or more than one kind of them.
  public init(_ fields: RowFields) throws(RowFault) {
    let isCompletion = fields.has("prompt", "completion")
    // Instructions often stand beside the text that is made of them.
    let isInstruction = fields.has("instruction", "output")
    let isText = fields.has("text") && !isInstruction
    let kinds = [isCompletion, isInstruction, fields.has("messages"), isText]
    let isHalf = isText && (fields.has("prompt") || fields.has("completion"))
    guard kinds.count(where: { $0 }) == 1, !isHalf else {
      throw fields.fault(
        "\"prompt\" and \"completion\", \"text\", \"messages\", or \"instruction\" and \"output\"")
    }
    if isCompletion {
      self = .completion(
        prompt: try fields.text("prompt"), completion: try fields.text("completion"))
    } else if isInstruction {
      let hasInput = fields["input"] ?? .null != .null
      self = .completion(
        prompt: Self.prompt(
          try fields.text("instruction"), input: hasInput ? try fields.text("input") : ""),
        completion: try fields.text("output"))
    } else if let messages = fields["messages"] {
      self = .messages(try ChatTurn.turns(messages))
    } else {
      self = .text(try fields.text("text"))
    }
  }

  /// How an instruction is put before its answer.
  public static func prompt(_ instruction: String, input: String) -> String {
    "### Instruction:\n\(instruction)\n\n" + (input.isEmpty ? "" : "### Input:\n\(input)\n\n")
      + "### Response:\n"
  }
}

extension ChatTurn {
  /// The turns of a conversation.
  fileprivate static func turns(_ value: DataValue) throws(RowFault) -> [ChatTurn] {
    let expected = "an array of objects with strings \"role\" and \"content\" as \"messages\""
    guard case .list(let values) = value, !values.isEmpty else {
      throw RowFault(
        expected: expected, found: value == .list([]) ? "an empty array" : value.kind)
    }
    var turns: [ChatTurn] = []
    for (place, value) in values.enumerated() {
      guard case .object(let members) = value else {
        throw RowFault(expected: expected, found: "\(value.kind) at place \(place)")
      }
      let fields = RowFields(DataRecord(line: 0, fields: members))
      do {
        turns.append(
          ChatTurn(
            role: try fields.text("role"), content: try fields.text("content"),
            isLearned: try isLearned(fields)))
      } catch {
        throw RowFault(
          expected: "\(error.expected) of message \(place + 1)", found: error.found)
      }
    }
    return turns
  }

  /// What a message says of itself by `weight`, 0 or 1 as in the files of other programs; nil where it says nothing.
  private static func isLearned(_ fields: RowFields) throws(RowFault) -> Bool? {
    switch fields["weight"] ?? .null {
    case .null: return nil
    case .integer(0), .number(0): return false
    case .integer(1), .number(1): return true
    case let other: throw RowFault(expected: "0 or 1 as \"weight\"", found: other.kind)
    }
  }
}
