/// Turns ids into text as they come, for showing what is being generated.
///
/// All it returns, put together, is what `Tokenizer.decode` returns for all the ids. Text is held back only as
/// long as ids to come could still change it: the bytes of an incomplete character, or a run of byte tokens.
public struct TokenStreamDecoder: Sendable {
  private let vocabulary: Vocabulary
  private let addedTokens: AddedTokens
  private let skipsSpecialTokens: Bool
  private var decoders: [any Decoder]

  init(
    vocabulary: Vocabulary, addedTokens: AddedTokens, decoders: [any Decoder],
    skipSpecialTokens: Bool
  ) {
    self.vocabulary = vocabulary
    self.addedTokens = addedTokens
    self.decoders = decoders
    skipsSpecialTokens = skipSpecialTokens
  }

  /// Takes the next id and returns the text that is complete with it, often none.
  public mutating func append(_ id: Int32) -> String {
    var pieces = Pieces()
    add(id, to: &pieces)
    return run(pieces, isLast: false)
  }

  /// Returns the text held back; no id follows.
  public mutating func finish() -> String { run(Pieces(), isLast: true) }

  /// Takes the last ids and returns all the text.
  mutating func appendAll(_ ids: some Sequence<Int32>) -> String {
    var pieces = Pieces()
    pieces.reserve(ids.underestimatedCount * 4)
    for id in ids { add(id, to: &pieces) }
    return run(pieces, isLast: true)
  }

  private func add(_ id: Int32, to pieces: inout Pieces) {
    if let token = addedTokens[id] {
      if !token.isSpecial || !skipsSpecialTokens {
        pieces.append(token.pattern, endsText: true)
      }
    } else if let bytes = vocabulary.bytes(of: id) {
      pieces.append(bytes, endsText: true)
    }
  }

  private mutating func run(_ pieces: Pieces, isLast: Bool) -> String {
    var pieces = pieces
    for index in decoders.indices {
      var output = Pieces()
      decoders[index].feed(pieces, into: &output)
      if isLast { decoders[index].finish(into: &output) }
      pieces = output
    }
    return String(decoding: pieces.bytes, as: UTF8.self)
  }
}
