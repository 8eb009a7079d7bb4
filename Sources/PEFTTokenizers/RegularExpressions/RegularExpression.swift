/// A regular expression as tokenizers use them: what Oniguruma makes of the common constructs.
///
/// Matching tries the alternatives in order. Where that takes long, what has failed once is remembered, so
/// that the time stays within the product of the lengths of the pattern and the text.
struct RegularExpression: Sendable {
  /// What the matcher does.
  let program: [Instruction]
  /// The sets that instructions name.
  let sets: [CodeSet]
  /// The choices that instructions name.
  let choices: [Choice]

  /// One step of the matcher.
  enum Instruction: Sendable {
    /// Takes a code point out of a set.
    case set(Int)
    /// Takes code points out of a set, as many as there are.
    case loop(Int, minimum: Int, maximum: Int, isPossessive: Bool)
    /// Goes on at one of several places.
    case choice(Int)
    /// Goes on elsewhere.
    case jump(Int)
    /// Matches what follows up to an `accept` without taking it, and goes on at `end`.
    case look(end: Int, isNegative: Bool)
    /// Asks whether the code point before is in a set.
    case lookBehind(Int, isNegative: Bool)
    /// Matches what follows up to an `accept` in the first way found, and goes on at `end`.
    case atomic(end: Int)
    /// Asks whether this is the start of the text.
    case start
    /// Asks whether this is the end of the text.
    case end
    /// Has matched.
    case accept
  }

  /// Places to go on at, in the order in which they are tried, for everything that may come next.
  struct Choice: Sendable {
    /// Where the places for each of `FirstBytes` begin in `places`, and the end of the last.
    var starts: [Int32]
    /// The places.
    var places: [Int32]
  }

  /// Compiles a pattern.
  init(_ pattern: String) throws(PatternError) {
    var parser = Parser(pattern)
    let node = try parser.parse()
    var compiler = Compiler()
    try compiler.add(node)
    try compiler.append(.accept)
    program = compiler.program
    sets = compiler.sets
    choices = compiler.choices
  }

  /// Reads a pattern.
  init(reading field: Field) throws(TokenizerError) {
    do {
      try self.init(try field.string())
    } catch let error as PatternError {
      throw .invalid(
        path: field.file, field: field.name, expected: "a regular expression as known here",
        found: error.text)
    } catch let error as TokenizerError {
      throw error
    } catch {
      throw field.unsupported()
    }
  }
}
