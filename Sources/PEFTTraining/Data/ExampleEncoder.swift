public import PEFTTokenizers
import PEFTTransformer

/// Turns rows of text into tokens and labels.
///
/// Prompt and completion are encoded each by itself, so that no token lies across the border: training sees the tokens that
/// generation starts from. The example is the beginning, the prompt, the completion, the end; completion and end are
/// learned.
public struct ExampleEncoder: Sendable {
  /// What became of a row.
  public enum Result: Sendable, Hashable {
    /// It fits.
    case whole(TrainingExample)
    /// Its end was cut off.
    case cut(TrainingExample)
    /// No token that is learned fits, or there is none.
    case nothingLeft
    /// It cannot be turned into tokens, for the reason given: the chat template refuses it, or no turn of it is learned.
    case refused(String)

    /// The example, cut or not; nil where there is none.
    public var example: TrainingExample? {
      switch self {
      case .whole(let example), .cut(let example): example
      case .nothingLeft, .refused: nil
      }
    }
  }

  /// Encodes a text, with the special tokens that the tokenizer puts around it or without.
  public typealias Encode = @Sendable (_ text: String, _ addSpecialTokens: Bool) -> [Int32]

  /// Writes a conversation, of which some turns are learned, as tokens, and says which of these are.
  public typealias EncodeChat =
    @Sendable (_ turns: [ChatTurn], _ isLearned: [Bool]) throws -> (ids: [Int32], isLearned: [Bool])

  /// Put in front of every row that does not begin with it.
  public var beginning: Int32?
  /// Put at the end of every row that does not end with it.
  public var end: Int32?
  /// Whether the tokenizer puts special tokens around the text.
  public var addsSpecialTokens: Bool
  /// How many tokens an example has at most.
  public var maximumLength: Int
  /// Writes conversations, as the chat template of a model does; nil to write every turn after the name of its role, a colon and a
  /// space, and a line feed after it.
  public var encodeChat: EncodeChat?
  /// Which turns of conversations are learned.
  public var learnedTurns = LearnedTurns()
  let encode: Encode

  /// An encoder over any function from text to tokens.
  ///
  /// - Parameters:
  ///   - beginning: the first token of every row; nil to leave it to the tokenizer.
  ///   - end: the last token of every row; nil to leave it to the tokenizer.
  ///   - addsSpecialTokens: whether the tokenizer puts special tokens around the text.
  ///   - maximumLength: what is longer is cut at the end.
  ///   - encode: from text to tokens.
  public init(
    beginning: Int32? = nil, end: Int32?, addsSpecialTokens: Bool = true, maximumLength: Int,
    encode: @escaping Encode
  ) {
    precondition(maximumLength > 1, "ExampleEncoder: maximum length \(maximumLength)")
    self.beginning = beginning
    self.end = end
    self.addsSpecialTokens = addsSpecialTokens
    self.maximumLength = maximumLength
    self.encode = encode
  }

  /// An encoder over a tokenizer, with its chat template where it has one.
  ///
  /// A template that asks for the date gets a fixed one, so that trainings repeat to the bit.
  public init(
    _ tokenizer: Tokenizer, beginning: Int32? = nil, end: Int32?, addsSpecialTokens: Bool = true,
    maximumLength: Int
  ) {
    self.init(
      beginning: beginning, end: end, addsSpecialTokens: addsSpecialTokens,
      maximumLength: maximumLength
    ) { text, addsSpecialTokens in
      tokenizer.encode(text, addSpecialTokens: addsSpecialTokens)
    }
    encodeChat = Self.chatEncoder(tokenizer)
  }

  /// The tokens and labels of a row.
  public func encode(_ row: TrainingRow) -> Result {
    var ids: [Int32]
    var known = 0
    switch row {
    case .text(let text):
      ids = begun(encode(text, addsSpecialTokens))
    case .completion(let prompt, let completion):
      let around = addsSpecialTokens ? specialTokens : (before: [], after: [])
      ids = begun(around.before + encode(prompt, false))
      known = ids.count
      ids += encode(completion, false) + around.after
    case .messages(let turns):
      return encode(turns)
    }
    if let end, ids.last != end || ids.count == known { ids.append(end) }
    return cut(ids, ids.enumerated().map { $0 < known ? TokenBatch.ignored : $1 })
  }

  /// An example no longer than the maximum.
  func cut(_ ids: [Int32], _ labels: [Int32]) -> Result {
    let example = TrainingExample(
      ids: Array(ids.prefix(maximumLength)), labels: Array(labels.prefix(maximumLength)))
    if example.targetCount == 0 { return .nothingLeft }
    return ids.count <= maximumLength ? .whole(example) : .cut(example)
  }

  private func begun(_ ids: [Int32]) -> [Int32] {
    guard let beginning, ids.first != beginning else { return ids }
    return [beginning] + ids
  }

  /// What the tokenizer puts before and after a text, seen on one that is not empty.
  private var specialTokens: (before: [Int32], after: [Int32]) {
    let (bare, whole) = (encode("a", false), encode("a", true))
    let places = 0...max(0, whole.count - bare.count)
    guard let place = places.first(where: { whole.dropFirst($0).starts(with: bare) }) else {
      return ([], [])
    }
    return (Array(whole[..<place]), Array(whole[(place + bare.count)...]))
  }
}
