import PEFTJSON

/// How encodings are made equally long.
public struct Padding: Sendable, Equatable {
  /// How long the encodings get.
  public enum Strategy: Sendable, Equatable {
    /// As long as the longest one.
    case longest
    /// So many tokens.
    case fixed(Int)
  }

  /// How long the encodings get.
  public var strategy: Strategy
  /// Where the padding goes.
  public var direction: Truncation.Direction
  /// A number that the length is made a multiple of; nil for none.
  public var multiple: Int?
  /// The id of the padding.
  public var id: Int32
  /// The type of the padding.
  public var typeID: Int32
  /// The token of the padding.
  public var token: String

  /// A way to pad.
  ///
  /// - Parameters:
  ///   - id: the id of the padding.
  ///   - token: its token.
  ///   - typeID: its type.
  ///   - strategy: how long the encodings get.
  ///   - direction: where the padding goes.
  ///   - multiple: a number that the length is made a multiple of; nil for none.
  public init(
    id: Int32, token: String = "[PAD]", typeID: Int32 = 0, strategy: Strategy = .longest,
    direction: Truncation.Direction = .right, multiple: Int? = nil
  ) {
    self.id = id
    self.token = token
    self.typeID = typeID
    self.strategy = strategy
    self.direction = direction
    self.multiple = multiple
  }

  /// The longest length a file may ask for.
  private static let limit: Int32 = 1 << 24

  /// Reads the setting of a tokenizer.json.
  init(reading field: Field) throws(TokenizerError) {
    var object = try ObjectReader(field)
    self.init(
      id: try object.required("pad_id").id(), token: try object.required("pad_token").string(),
      typeID: try object.required("pad_type_id").id())
    direction = try Truncation.Direction(reading: object.optional("direction"))
    if let field = object.optional("pad_to_multiple_of") {
      let value = try field.id()
      if value > Self.limit { throw field.invalid(expected: "at most \(Self.limit)") }
      multiple = value == 0 ? nil : Int(value)
    }
    let field = try object.required("strategy")
    if field.json.members != nil {
      var choice = try ObjectReader(field)
      let length = try choice.required("Fixed")
      let value = try length.id()
      if value > Self.limit { throw length.invalid(expected: "at most \(Self.limit)") }
      strategy = .fixed(Int(value))
      try choice.finish()
    } else if try field.string() != "BatchLongest" {
      throw field.unsupported(known: ["\"BatchLongest\"", "{\"Fixed\": length}"])
    }
    try object.finish()
  }

  /// Makes encodings equally long; one that is too long already stays.
  public func apply(to encodings: inout [Encoding]) {
    var length =
      switch strategy {
      case .longest: encodings.map(\.count).max() ?? 0
      case .fixed(let length): length
      }
    if let multiple, multiple > 0, length % multiple > 0 { length += multiple - length % multiple }
    for index in encodings.indices { pad(&encodings[index], to: length) }
  }

  private func pad(_ encoding: inout Encoding, to length: Int) {
    for index in encoding.overflowing.indices { pad(&encoding.overflowing[index], to: length) }
    let missing = length - encoding.count
    if missing <= 0 { return }
    let padding = Encoding(
      special: Array(repeating: id, count: missing),
      tokens: Array(repeating: token, count: missing), typeID: typeID, attention: 0)
    if direction == .right {
      encoding.append(padding)
      return
    }
    var padded = padding
    padded.append(encoding)
    padded.overflowing = encoding.overflowing
    encoding = padded
  }
}
