extension RegularExpression {
  /// A part of a pattern.
  indirect enum Node: Sendable {
    /// One code point out of a set.
    case set(CodeSet)
    /// Parts one after the other.
    case sequence([Node])
    /// The first part that lets all of the pattern match.
    case alternatives([Node])
    /// A part so many times.
    case repetition(Node, minimum: Int, maximum: Int?, Greed)
    /// Whether a part matches here.
    case look(Node, isNegative: Bool)
    /// Whether the code point before is in a set.
    case lookBehind(CodeSet, isNegative: Bool)
    /// A part that, once matched, is not matched in another way.
    case atomic(Node)
    /// The start of the text.
    case start
    /// The end of the text.
    case end

    /// Whether it may match nothing.
    var isNullable: Bool {
      switch self {
      case .set: false
      case .sequence(let parts): parts.allSatisfy(\.isNullable)
      case .alternatives(let parts): parts.contains(where: \.isNullable)
      case .repetition(let part, let minimum, _, _): minimum == 0 || part.isNullable
      case .atomic(let part): part.isNullable
      case .look, .lookBehind, .start, .end: true
      }
    }
  }

  /// How much a repetition takes.
  enum Greed: Sendable {
    /// As much as lets the pattern match.
    case greedy
    /// As little as lets the pattern match.
    case lazy
    /// As much as there is.
    case possessive
  }
}
