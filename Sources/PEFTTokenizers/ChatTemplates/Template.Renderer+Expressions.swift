extension Template.Renderer {
  /// The value of an expression.
  mutating func value(
    of expression: Template.Expression
  ) throws(ChatTemplateError) -> Template.Value {
    try enter()
    defer { leave() }
    switch expression {
    case .none: return .none
    case .boolean(let value): return .boolean(value)
    case .integer(let value): return .integer(value)
    case .number(let value): return .number(value)
    case .string(let value): return .string(value)
    case .variable(let name):
      if let value = variable(name) { return value }
      return Self.functions.contains(name) ? .function(.named(name)) : .undefined("\"\(name)\"")
    case .list(let parts):
      var values: [Template.Value] = []
      for part in parts { values.append(try value(of: part)) }
      return .list(values)
    case .dictionary(let parts):
      var members: [Template.Value.Member] = []
      for part in parts {
        guard case .string(let name) = try value(of: part.key) else {
          throw .unsupported(line: line, what: "a dictionary with a key that is no string")
        }
        members.removeAll { Template.same($0.name, name) }
        members.append(Template.Value.Member(name: name, value: try value(of: part.value)))
      }
      return .dictionary(members)
    case .attribute(let object, let name): return try member(name, of: try value(of: object))
    case .item(let object, let index):
      return try item(try value(of: index), of: try value(of: object))
    case .slice(let object, let start, let end, let step):
      let object = try value(of: object)
      let bounds = (try bound(start), try bound(end), try bound(step))
      return try slice(object, bounds.0, bounds.1, bounds.2)
    case .call(let function, let arguments):
      let function = try value(of: function)
      let given = try values(of: arguments)
      return try call(function, given.values, given.named)
    case .filter(let value, let name, let arguments):
      let value = try self.value(of: value)
      let given = try values(of: arguments)
      return try filtered(value, name, given.values, given.named)
    case .test(let value, let name, let arguments, let isNegative):
      let value = try self.value(of: value)
      let given = try values(of: arguments)
      return .boolean(try test(value, name, given.values) != isNegative)
    case .not(let part): return .boolean(try !value(of: part).isTrue)
    case .negative(let part): return try negative(try value(of: part))
    case .and(let left, let right):
      let left = try value(of: left)
      return left.isTrue ? try value(of: right) : left
    case .or(let left, let right):
      let left = try value(of: left)
      return left.isTrue ? left : try value(of: right)
    case .binary(let sign, let left, let right):
      let left = try value(of: left)
      return try binary(sign, left, try value(of: right))
    case .comparison(let first, let parts):
      var left = try value(of: first)
      for part in parts {
        let right = try value(of: part.value)
        if try !compare(left, part.sign, right) { return .boolean(false) }
        left = right
      }
      return .boolean(true)
    case .condition(let test, let then, let otherwise):
      if try value(of: test).isTrue { return try value(of: then) }
      guard let otherwise else { return .undefined("the value of a condition without else") }
      return try value(of: otherwise)
    }
  }

  private typealias Given = (values: [Template.Value], named: [Template.Value.Member])

  private mutating func values(
    of arguments: Template.Arguments
  ) throws(ChatTemplateError) -> Given {
    var values: [Template.Value] = []
    var named: [Template.Value.Member] = []
    for argument in arguments.values { values.append(try value(of: argument)) }
    for argument in arguments.named {
      named.append(
        Template.Value.Member(name: argument.name, value: try value(of: argument.value)))
    }
    return (values, named)
  }

  private mutating func bound(
    _ expression: Template.Expression?
  ) throws(ChatTemplateError) -> Int? {
    guard let expression else { return nil }
    let value = try value(of: expression)
    if case .none = value { return nil }
    guard let integer = value.integer else { throw failure("\(value.kind) as a bound of a slice") }
    return integer
  }

  /// The elements of a value that a loop can run over.
  func elements(of value: Template.Value) throws(ChatTemplateError) -> [Template.Value] {
    switch value {
    case .list(let values): return values
    case .dictionary(let members): return members.map { .string($0.name) }
    case .string(let text): return text.unicodeScalars.map { .string(String($0)) }
    case .undefined: return []
    default: throw failure("\(value.kind) has no elements")
    }
  }

  /// What is behind a dot.
  func member(
    _ name: String, of object: Template.Value
  ) throws(ChatTemplateError) -> Template.Value {
    switch object {
    case .dictionary(let members):
      if Self.dictionaryMethods.contains(name) { return .function(.method(object, name)) }
      if let found = members.first(where: { Template.same($0.name, name) }) { return found.value }
    case .namespace(let namespace):
      if let found = namespace.members.first(where: { Template.same($0.name, name) }) {
        return found.value
      }
    case .string:
      if Self.stringMethods.contains(name) { return .function(.method(object, name)) }
    case .list:
      if Self.listMethods.contains(name) { return .function(.method(object, name)) }
    case .undefined: throw failure("\(object.kind), has no \"\(name)\"")
    default: break
    }
    return .undefined("\"\(name)\" of \(object.kind)")
  }

  private func item(
    _ index: Template.Value, of object: Template.Value
  ) throws(ChatTemplateError) -> Template.Value {
    switch (object, index) {
    case (.dictionary(let members), .string(let name)):
      if let found = members.first(where: { Template.same($0.name, name) }) { return found.value }
      return try member(name, of: object)
    case (.list(let values), _):
      guard let place = index.integer else { break }
      let position = place < 0 ? place &+ values.count : place
      if values.indices.contains(position) { return values[position] }
    case (.string(let text), _):
      guard let place = index.integer else { break }
      let scalars = Array(text.unicodeScalars)
      let position = place < 0 ? place &+ scalars.count : place
      if scalars.indices.contains(position) { return .string(String(scalars[position])) }
    case (.undefined, _): throw failure("\(object.kind), has no elements")
    default: break
    }
    if case .string(let name) = index { return try member(name, of: object) }
    return .undefined("an element of \(object.kind)")
  }

  private mutating func slice(
    _ object: Template.Value, _ start: Int?, _ end: Int?, _ step: Int?
  ) throws(ChatTemplateError) -> Template.Value {
    let step = step ?? 1
    if step == 0 || step == .min { throw failure("a slice with a step of \(step)") }
    func indices(_ count: Int) -> [Int] {
      func clamped(_ bound: Int, _ low: Int, _ high: Int) -> Int {
        min(max(bound < 0 ? bound + count : bound, low), high)
      }
      if step > 0 {
        let first = clamped(start ?? 0, 0, count)
        return Array(stride(from: first, to: clamped(end ?? count, 0, count), by: step))
      }
      let first = start.map { clamped($0, -1, count - 1) } ?? count - 1
      let last = end.map { clamped($0, -1, count - 1) } ?? -1
      return Array(stride(from: first, to: last, by: step))
    }
    switch object {
    case .list(let values):
      try spend(values.count)
      return .list(indices(values.count).map { values[$0] })
    case .string(let text):
      try spend(text.utf8.count)
      let scalars = Array(text.unicodeScalars)
      var part = String.UnicodeScalarView()
      for index in indices(scalars.count) { part.append(scalars[index]) }
      return .string(String(part))
    default: throw failure("a slice of \(object.kind)")
    }
  }
}
