internal import Foundation
import PEFTTokenizers
import PEFTTransformer

extension ExampleEncoder {
  /// A conversation, as `encodeChat` writes it or turn by turn.
  func encode(_ turns: [ChatTurn]) -> Result {
    guard let encodeChat else { return encodePlainly(turns) }
    do {
      let (ids, isLearned) = try encodeChat(turns)
      return cut(ids, zip(ids, isLearned).map { $1 ? $0 : TokenBatch.ignored })
    } catch {
      return .refused("\(error)")
    }
  }

  /// Every turn after its role, a colon and a space; between turns stands a line feed, which is learned after what is.
  private func encodePlainly(_ turns: [ChatTurn]) -> Result {
    var (ids, labels): ([Int32], [Int32]) = ([], [])
    func add(_ tokens: [Int32], isLearned: Bool) {
      ids += tokens
      labels += isLearned ? tokens : tokens.map { _ in TokenBatch.ignored }
    }
    if let beginning { add([beginning], isLearned: false) }
    for (place, turn) in turns.enumerated() {
      add(encode("\(turn.role): ", false), isLearned: false)
      add(encode(turn.content, false), isLearned: turn.isLearned)
      if place < turns.count - 1 { add(encode("\n", false), isLearned: turn.isLearned) }
    }
    if let end { add([end], isLearned: turns.last?.isLearned == true) }
    return cut(ids, labels)
  }

  /// What templates take for today; the day that those of Llama fall back on.
  private static let date = Date(timeIntervalSince1970: 1_721_952_000)

  /// Writes conversations as the chat template of a tokenizer does; nil where it has none.
  static func chatEncoder(_ tokenizer: Tokenizer) -> EncodeChat? {
    let template: ChatTemplate
    do throws(ChatTemplateError) {
      template = try tokenizer.chatTemplate()
    } catch {
      if case .noTemplate = error { return nil }
      // A template that is not understood is an error of the rows that need it.
      return { _ in throw error }
    }
    return { turns in
      let chat = try tokenizer.chat(
        turns.map { ChatMessage(role: $0.role, content: $0.content) }, template: template,
        date: date)
      return (chat.ids, chat.isAssistant)
    }
  }
}
