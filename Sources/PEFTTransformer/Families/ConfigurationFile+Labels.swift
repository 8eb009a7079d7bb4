package import PEFTCheckpoints
import PEFTJSON

extension ConfigurationFile {
  /// The names of the classes in the order of their numbers; two where the file says nothing, as in Transformers.
  package func labels() throws(CheckpointError) -> [String] {
    guard let members = value("id2label")?.members else {
      let count = try positive("num_labels", default: 2, below: 1_000_000)
      return (0..<count).map { "LABEL_\($0)" }
    }
    var labels: [String] = []
    for index in members.indices {
      guard let label = members.first(where: { $0.name == "\(index)" })?.value.string else {
        throw invalid(
          "id2label", expected: "a name for every number from 0 to \(members.count - 1)",
          found: "none for \(index)")
      }
      labels.append(label)
    }
    return labels
  }

  /// The same; none where the file says nothing, as that of a language model.
  func statedLabels() throws(CheckpointError) -> [String] {
    has("id2label") || has("num_labels") ? try labels() : []
  }

  /// The token of padding that a classifier passes over at the end of a row; nil for none, as where the field is null.
  ///
  /// - Parameter usual: what an absent field means.
  /// - Returns: its id.
  /// - Throws: `invalidField` for what is no id.
  func paddingToken(usual: Int? = nil) throws(CheckpointError) -> Int32? {
    guard has("pad_token_id") else {
      return isPresent("pad_token_id") ? nil : usual.map(Int32.init)
    }
    let token = try integer("pad_token_id")
    // Some files have -1 for none.
    guard (-1..<1 << 31).contains(token) else {
      throw invalid("pad_token_id", expected: "the id of a token", found: "\(token)")
    }
    return Int32(token)
  }
}
