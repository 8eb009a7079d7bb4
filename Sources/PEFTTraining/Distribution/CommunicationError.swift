/// What can go wrong between processes that train together.
public enum CommunicationError: Error, Hashable, Sendable {
  /// A rank has stopped or failed.
  case rankLost(rank: Int)
  /// The library that carries the messages reports an error.
  case transport(operation: String, code: Int, text: String)
  /// The ranks do not train the same thing in the same way.
  case ranksDiffer(what: String, smallest: Double, largest: Double)
  /// A method takes from its rows what is not shared among ranks.
  case methodStaysLocal(observer: String)
}

extension CommunicationError: CustomStringConvertible {
  /// What is wrong, and what can be done.
  public var description: String {
    switch self {
    case .rankLost(let rank):
      "rank \(rank) of the training has stopped; go on from the last checkpoint"
    case .transport(let operation, let code, let text):
      "\(operation) failed with code \(code): \(text)"
    case .ranksDiffer(let what, let smallest, let largest):
      "the ranks do not agree about \(what): one has \(smallest), another \(largest); "
        + "all of them need the same model, data, settings and checkpoint"
    case .methodStaysLocal(let observer):
      "\(observer) gathers from backward passes what ranks do not share, so that they would come to differ; "
        + "train this method in one process"
    }
  }
}
