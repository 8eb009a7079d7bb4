import PEFTTensor
import PEFTTransformer

/// Parameters under the paths of a flat list.
final class Bag: Module {
  private let entries: [(String, Parameter)]

  init(_ entries: [(String, Parameter)]) { self.entries = entries }

  var members: Members {
    entries.reduce(Members()) { members, entry in
      members.joined(with: Members(dictionaryLiteral: (entry.0, entry.1)))
    }
  }
}
