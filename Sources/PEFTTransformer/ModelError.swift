/// What can be wrong with the tokens or pictures that a model is given.
///
/// Rows and places count from 0.
public enum ModelError: Error, Equatable, Sendable {
  /// A batch without rows, or a prompt without tokens.
  case empty(row: Int)
  /// A token that is not in the vocabulary.
  case tokenOutOfRange(row: Int, place: Int, token: Int32, vocabularySize: Int)
  /// A label that is neither a token nor `TokenBatch.ignored`.
  case labelOutOfRange(row: Int, place: Int, label: Int32, vocabularySize: Int)
  /// A label that is neither a class nor `TokenBatch.ignored`.
  case classOutOfRange(row: Int, label: Int32, classes: Int)
  /// A label of a token that is neither one of those of the model nor `TokenBatch.ignored`.
  case tokenLabelOutOfRange(row: Int, place: Int, label: Int32, labels: Int)
  /// A label that counts on a place of padding.
  case labelOnPadding(row: Int, place: Int)
  /// A kind of token that the model does not have.
  case tokenTypeOutOfRange(row: Int, place: Int, type: Int32, types: Int)
  /// More tokens than a model with learned positions has positions for; `newTokens` are those to be generated.
  case tooManyTokens(row: Int, tokens: Int, newTokens: Int, maximum: Int)
  /// A range of tokens that are no padding which leaves its row.
  case keysOutOfRange(row: Int, keys: Range<Int>, length: Int)
  /// A logit that is NaN or infinite, in the step of generation with this number.
  case notFinite(row: Int, step: Int)
  /// Positions that cannot be divided by a factor.
  case cannotInterpolate(reason: String)
  /// A batch without pictures.
  case noImages
  /// A picture with other channels than the model, or the means of its processor, have.
  case wrongImageChannels(row: Int, channels: Int, expected: Int)
  /// A picture of another size than height and width that are expected; `interpolates` says whether a model could stretch its positions for it,
  /// and is nil where no model is asked.
  case wrongImageSize(
    row: Int, height: Int, width: Int, expected: [Int], interpolates: Bool?)
}

extension ModelError: CustomStringConvertible {
  /// A sentence for the person who has to put it right.
  public var description: String {
    switch self {
    case .empty(let row):
      "row \(row) has no tokens"
    case .tokenOutOfRange(let row, let place, let token, let size):
      "token \(token) at place \(place) of row \(row) is outside the vocabulary 0..<\(size); "
        + "does the tokenizer belong to this model?"
    case .labelOutOfRange(let row, let place, let label, let size):
      "label \(label) at place \(place) of row \(row) is outside the vocabulary 0..<\(size) and not "
        + "\(TokenBatch.ignored)"
    case .classOutOfRange(let row, let label, let classes):
      "label \(label) of row \(row) is outside the classes 0..<\(classes) and not \(TokenBatch.ignored)"
    case .tokenLabelOutOfRange(let row, let place, let label, let labels):
      "label \(label) at place \(place) of row \(row) is outside 0..<\(labels) and not "
        + "\(TokenBatch.ignored)"
    case .labelOnPadding(let row, let place):
      "place \(place) of row \(row) is padding and has a label that is not \(TokenBatch.ignored)"
    case .tokenTypeOutOfRange(let row, let place, let type, let types):
      "the kind \(type) of the token at place \(place) of row \(row) is outside 0..<\(types)"
    case .tooManyTokens(let row, let tokens, 0, let maximum):
      "row \(row) has \(tokens) tokens, and the model has \(maximum) positions; shorten it"
    case .tooManyTokens(let row, let tokens, let newTokens, let maximum):
      "row \(row) has \(tokens) tokens and \(newTokens) more are to be generated, and the model has "
        + "\(maximum) positions; shorten the prompt or generate fewer"
    case .keysOutOfRange(let row, let keys, let length):
      "the keys \(keys) of row \(row) leave its \(length) places"
    case .notFinite(let row, let step):
      "the logits of row \(row) for new token \(step) are not finite: the weights of the model or of an adapter "
        + "hold such numbers, or lead to them"
    case .cannotInterpolate(let reason): "positions cannot be interpolated: \(reason)"
    case .noImages: "the batch has no pictures"
    case .wrongImageChannels(let row, let channels, let expected):
      "picture \(row) has \(channels) channels, expected \(expected)"
        + (channels == 1 && expected == 3
          ? "; a processor with convertsToRGB makes three of one" : "")
    case .wrongImageSize(let row, let height, let width, let expected, let interpolates):
      Self.wrongSize("picture \(row) has \(height) x \(width) pixels", expected, interpolates)
    }
  }

  private static func wrongSize(
    _ found: String, _ expected: [Int], _ interpolates: Bool?
  ) -> String {
    let size = expected.map(String.init).joined(separator: " x ")
    return switch interpolates {
    case nil: "\(found), those before it \(size); give all of them one size"
    case false?:
      "\(found), the model reads \(size); resize it, or let the model interpolate its positions"
    case true?: "\(found), expected multiples of the patches of \(size)"
    }
  }
}
