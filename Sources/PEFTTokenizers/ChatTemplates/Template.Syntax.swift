extension Template {
  /// What is computed.
  indirect enum Expression: Sendable {
    case none
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case variable(String)
    case list([Expression])
    case dictionary([(key: Expression, value: Expression)])
    case attribute(Expression, String)
    case item(Expression, Expression)
    case slice(Expression, start: Expression?, end: Expression?, step: Expression?)
    case call(Expression, Arguments)
    case filter(Expression, String, Arguments)
    case test(Expression, String, Arguments, isNegative: Bool)
    case not(Expression)
    case negative(Expression)
    case and(Expression, Expression)
    case or(Expression, Expression)
    case binary(String, Expression, Expression)
    case comparison(Expression, [(sign: String, value: Expression)])
    case condition(Expression, then: Expression, otherwise: Expression?)
  }

  /// What a function, a filter or a test is given.
  struct Arguments: Sendable {
    /// The arguments without a name.
    var values: [Expression] = []
    /// The arguments with a name.
    var named: [(name: String, value: Expression)] = []
  }

  /// What is done, and in which line it is written.
  struct Statement: Sendable {
    /// What is done.
    var kind: Kind
    /// The line.
    var line: Int

    /// The kinds of statements.
    indirect enum Kind: Sendable {
      case text(String)
      case output(Expression)
      case condition([(test: Expression, body: [Statement])], otherwise: [Statement])
      case loop(
        [String], Expression, filter: Expression?, body: [Statement], otherwise: [Statement])
      case assignment([Target], Expression)
      case blockAssignment(Target, [Statement])
      case macro(String, [(name: String, value: Expression?)], body: [Statement])
      case generation([Statement])
      case exit
      case next
    }
  }

  /// What is assigned to.
  enum Target: Sendable {
    /// A variable.
    case variable(String)
    /// An attribute of a namespace.
    case attribute(String, String)
  }
}
