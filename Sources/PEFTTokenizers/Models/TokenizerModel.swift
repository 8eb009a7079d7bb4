/// Turns words into ids.
protocol TokenizerModel: Sendable {
  /// The tokens and their ids.
  var vocabulary: Vocabulary { get }
  /// Appends the tokens of every word.
  func encode(_ words: Words, into tokens: inout TokenRow)
}

/// The models a file may name.
enum TokenizerModels {
  /// The model that `field` describes.
  ///
  /// Files of early versions do not name the type; the reference tells the model by its members.
  static func read(_ field: Field) throws(TokenizerError) -> any TokenizerModel {
    var object = try ObjectReader(field)
    guard let type = object.optional("type") else {
      if object.optional("merges") == nil { _ = try object.required("type") }
      return try BPE(reading: &object)
    }
    switch try type.string() {
    case "BPE": return try BPE(reading: &object)
    case "WordPiece": return try WordPiece(reading: &object)
    case "Unigram": return try Unigram(reading: &object)
    default: throw type.unsupported(known: ["BPE", "WordPiece", "Unigram"])
    }
  }
}
