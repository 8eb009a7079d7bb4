/// One row of training text.
public enum TrainingRow: Sendable, Hashable {
  /// A text of which every token is learned.
  case text(String)
  /// A text of which only the second part is learned.
  case completion(prompt: String, completion: String)

  /// The text that is learned.
  var learned: String {
    switch self {
    case .text(let text): text
    case .completion(_, let completion): completion
    }
  }
}
