/// Turns words into ids.
protocol TokenizerModel: Sendable {
  /// The tokens and their ids.
  var vocabulary: Vocabulary { get }
  /// Appends the ids of every word.
  func encode(_ words: Words, into ids: inout [Int32])
}

/// The models a file may name.
enum TokenizerModels {
  /// The model that `field` describes.
  ///
  /// Files of early versions do not name the type of a BPE model.
  static func read(_ field: Field) throws(TokenizerError) -> any TokenizerModel {
    var object = try ObjectReader(field)
    guard let type = object.optional("type") else {
      if object.optional("merges") == nil { _ = try object.required("type") }
      return try BPE(reading: &object)
    }
    switch try type.string() {
    case "BPE": return try BPE(reading: &object)
    default: throw type.unsupported(known: ["BPE"])
    }
  }
}
