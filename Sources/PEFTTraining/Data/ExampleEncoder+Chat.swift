internal import Foundation
import PEFTTokenizers
import PEFTTransformer

extension ExampleEncoder {
  /// A conversation, as `encodeChat` writes it or turn by turn.
  func encode(_ turns: [ChatTurn]) -> Result {
    let choice = learnedTurns.choice(of: turns)
    guard choice.contains(true) else {
      let roles = learnedTurns.roles.sorted().joined(separator: " or ")
      return .refused("no message of \(roles) to learn")
    }
    guard let encodeChat else { return encodePlainly(turns, choice) }
    do {
      let (ids, isLearned) = try encodeChat(turns, choice)
      return cut(ids, zip(ids, isLearned).map { $1 ? $0 : TokenBatch.ignored })
    } catch {
      return .refused("\(error)")
    }
  }

  /// Every turn after its role, a colon and a space; between turns stands a line feed, which is learned after what is.
  private func encodePlainly(_ turns: [ChatTurn], _ choice: [Bool]) -> Result {
    var (ids, labels): ([Int32], [Int32]) = ([], [])
    func add(_ tokens: [Int32], isLearned: Bool) {
      ids += tokens
      labels += isLearned ? tokens : tokens.map { _ in TokenBatch.ignored }
    }
    if let beginning { add([beginning], isLearned: false) }
    for (place, turn) in turns.enumerated() {
      add(encode("\(turn.role): ", false), isLearned: false)
      add(encode(turn.content, false), isLearned: choice[place])
      if place < turns.count - 1 { add(encode("\n", false), isLearned: choice[place]) }
    }
    if let end { add([end], isLearned: choice.last == true) }
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
      return { _, _ in throw error }
    }
    return { turns, choice in
      let chat = try tokenizer.chat(
        turns.map { ChatMessage(role: $0.role, content: $0.content) }, choosing: choice,
        template: template, date: date)
      return (chat.ids, chat.isChosen)
    }
  }
}
