/// How encodings that are too long are cut.
public struct Truncation: Sendable, Equatable {
  /// Which text of a pair is cut.
  public enum Strategy: String, CaseIterable, Sendable {
    /// The longer one, and both where that is not enough.
    case longestFirst = "LongestFirst"
    /// The first one.
    case onlyFirst = "OnlyFirst"
    /// The second one.
    case onlySecond = "OnlySecond"
  }

  /// Which end of a text is kept.
  public enum Direction: String, CaseIterable, Sendable {
    /// The beginning; what is on the right is cut.
    case right = "Right"
    /// The end; what is on the left is cut.
    case left = "Left"
  }

  /// How many tokens an encoding has at most, special ones included.
  public var maximumLength: Int
  /// Which text of a pair is cut.
  public var strategy: Strategy
  /// How many tokens of one part the next part of what is cut off repeats.
  public var stride: Int
  /// Which side is cut.
  public var direction: Direction

  /// A way to cut.
  ///
  /// - Parameters:
  ///   - maximumLength: how many tokens an encoding has at most, special ones included.
  ///   - strategy: which text of a pair is cut.
  ///   - stride: how many tokens of one part the next part of what is cut off repeats.
  ///   - direction: which side is cut.
  public init(
    maximumLength: Int, strategy: Strategy = .longestFirst, stride: Int = 0,
    direction: Direction = .right
  ) {
    self.maximumLength = maximumLength
    self.strategy = strategy
    self.stride = stride
    self.direction = direction
  }

  /// Reads the setting of a tokenizer.json.
  init(reading field: Field) throws(TokenizerError) {
    var object = try ObjectReader(field)
    self.init(maximumLength: Int(try object.required("max_length").id()))
    if let field = object.optional("strategy") {
      guard let value = Strategy(rawValue: try field.string()) else {
        throw field.unsupported(known: Strategy.allCases.map(\.rawValue))
      }
      strategy = value
    }
    stride = Int(try object.optional("stride")?.id() ?? 0)
    direction = try Direction(reading: object.optional("direction"))
    try object.finish()
  }
}

extension Truncation.Direction {
  /// Reads a direction, which is to the right where none is named.
  init(reading field: Field?) throws(TokenizerError) {
    self = .right
    guard let field else { return }
    guard let value = Self(rawValue: try field.string()) else {
      throw field.unsupported(known: Self.allCases.map(\.rawValue))
    }
    self = value
  }
}

/// What keeps a text from being cut as asked for.
public enum TruncationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The second text is to be cut, and there is none.
  case noSecondText
  /// The text to be cut is not longer than what must go.
  case tooShort(length: Int, toRemove: Int)
  /// The parts would repeat all that they hold.
  case strideTooLong(stride: Int, length: Int)
  /// The special tokens alone are more than there may be.
  case noRoom(maximumLength: Int, special: Int)

  /// What is wrong.
  public var description: String {
    switch self {
    case .noSecondText:
      "the second text is to be cut, but there is only one"
    case .tooShort(let length, let toRemove):
      "\(toRemove) tokens must go, but the text to be cut has only \(length)"
    case .strideTooLong(let stride, let length):
      "a stride of \(stride) tokens leaves nothing new in parts of \(length)"
    case .noRoom(let maximumLength, let special):
      "\(maximumLength) tokens leave no room beside \(special) special ones"
    }
  }
}
