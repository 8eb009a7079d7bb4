import PEFTJSON

extension Template {
  /// A value while a template is rendered, as Python would have it.
  enum Value {
    /// What a name or a member that is not there stands for.
    case undefined(String)
    case none
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    case list([Value])
    case dictionary([Member])
    case namespace(Namespace)
    case function(Function)

    /// A member of a dictionary.
    struct Member {
      /// The name.
      var name: String
      /// The value.
      var value: Value
    }

    /// What a template may call.
    indirect enum Function {
      /// A function by its name.
      case named(String)
      /// A method of a value.
      case method(Value, String)
      /// A macro.
      case macro(Macro)
    }

    /// The value of JSON.
    init(_ json: JSON) {
      switch json {
      case .null: self = .none
      case .bool(let value): self = .boolean(value)
      case .integer(let value): self = .integer(value)
      case .number(let value): self = .number(value)
      case .string(let value): self = .string(value)
      case .array(let values): self = .list(values.map(Value.init))
      case .object(let members):
        // Of members with the same name the last one counts, in the place of the first, as in Python.
        var list: [Member] = []
        for member in members {
          if let index = list.firstIndex(where: { same($0.name, member.name) }) {
            list[index].value = Value(member.value)
          } else {
            list.append(Member(name: member.name, value: Value(member.value)))
          }
        }
        self = .dictionary(list)
      }
    }

    /// Whether it counts as true.
    var isTrue: Bool {
      switch self {
      case .undefined, .none: false
      case .boolean(let value): value
      case .integer(let value): value != 0
      case .number(let value): value != 0
      case .string(let value): !value.utf8.isEmpty
      case .list(let values): !values.isEmpty
      case .dictionary(let members): !members.isEmpty
      case .namespace, .function: true
      }
    }

    /// What kind of value it is, for errors.
    var kind: String {
      switch self {
      case .undefined(let name): "\(name), which is not defined"
      case .none: "none"
      case .boolean: "a boolean"
      case .integer: "an integer"
      case .number: "a number"
      case .string: "a string"
      case .list: "a list"
      case .dictionary: "a dictionary"
      case .namespace: "a namespace"
      case .function: "a function"
      }
    }

    /// The value as a number, nil where it is none.
    var number: Double? {
      switch self {
      case .boolean(let value): value ? 1 : 0
      case .integer(let value): Double(value)
      case .number(let value): value
      default: nil
      }
    }

    /// The value as an integer, nil where it is none.
    var integer: Int? {
      switch self {
      case .boolean(let value): value ? 1 : 0
      case .integer(let value): value
      default: nil
      }
    }

    /// Whether two values are equal.
    static func isEqual(_ left: Value, _ right: Value) -> Bool {
      switch (left, right) {
      case (.none, .none), (.undefined, .undefined): true
      case (.string(let a), .string(let b)): same(a, b)
      case (.list(let a), .list(let b)):
        a.count == b.count && zip(a, b).allSatisfy { isEqual($0, $1) }
      case (.dictionary(let a), .dictionary(let b)):
        a.count == b.count
          && a.allSatisfy { member in
            b.contains { same($0.name, member.name) && isEqual($0.value, member.value) }
          }
      case (.namespace(let a), .namespace(let b)): a === b
      default: left.number != nil && left.number == right.number
      }
    }
  }

  /// Variables that loops can set.
  final class Namespace {
    /// The variables.
    var members: [Value.Member]

    /// A namespace with some variables.
    init(_ members: [Value.Member]) { self.members = members }
  }

  /// A macro of a template.
  struct Macro {
    /// The name.
    var name: String
    /// What it is given, and what stands for an argument that is not there.
    var parameters: [(name: String, value: Expression?)]
    /// What it does.
    var body: [Statement]
  }

  /// Whether two names are the same, byte for byte.
  static func same(_ left: String, _ right: String) -> Bool {
    left.utf8.elementsEqual(right.utf8)
  }
}
