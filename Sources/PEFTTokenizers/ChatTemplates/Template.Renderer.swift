extension Template {
  /// A template while it is rendered.
  struct Renderer {
    /// How much there may be of steps, and of bytes and elements that are made.
    private static let budget = 1 << 26
    /// How deep expressions, tags and macros may be nested.
    private static let deepest = 300
    /// How long a text may be that is made.
    static let longestText = 1 << 23

    /// The variables, those of the innermost tag last.
    var scopes: [[String: Value]]
    /// The line that is rendered.
    var line = 1
    /// What `strftime_now` gives for a format.
    let date: (String) -> String?
    /// The text so far, and where in it the assistant's text is.
    private(set) var output = ""
    private(set) var spans: [Range<Int>] = []
    private var isCaptured = false
    private var spent = 0
    private var depth = 0

    /// What a statement does to the loop around it.
    private enum Outcome {
      case normal
      case exit
      case next
    }

    /// A renderer with some variables.
    init(_ variables: [String: Value], date: @escaping (String) -> String?) {
      scopes = [variables]
      self.date = date
    }

    /// The error for what a value does not allow.
    func failure(_ reason: String) -> ChatTemplateError { .failed(line: line, reason: reason) }

    /// Takes steps, bytes or elements from what there may be.
    mutating func spend(_ cost: Int) throws(ChatTemplateError) {
      spent += cost
      if spent > Self.budget {
        throw .limit(line: line, what: "the template does not come to an end")
      }
    }

    /// Goes one level deeper.
    mutating func enter() throws(ChatTemplateError) {
      depth += 1
      if depth > Self.deepest {
        throw .limit(line: line, what: "nesting deeper than \(Self.deepest)")
      }
      try spend(1)
    }

    /// Goes a level back.
    mutating func leave() { depth -= 1 }

    /// Renders a template.
    mutating func render(_ statements: [Statement]) throws(ChatTemplateError) {
      _ = try run(statements)
    }

    /// The text of a value.
    mutating func text(_ value: Value) throws(ChatTemplateError) -> String {
      guard let text = value.text(limit: Self.longestText) else {
        throw .limit(line: line, what: "a text of more than \(Self.longestText) bytes")
      }
      try spend(text.utf8.count)
      return text
    }

    private mutating func put(_ text: String) throws(ChatTemplateError) {
      output += text
      if output.utf8.count > Self.longestText {
        throw .limit(line: line, what: "a text of more than \(Self.longestText) bytes")
      }
    }

    /// What statements put out, apart from the rest.
    private mutating func captured(_ statements: [Statement]) throws(ChatTemplateError) -> String {
      let (before, wasCaptured) = (output, isCaptured)
      (output, isCaptured) = ("", true)
      _ = try run(statements)
      let text = output
      (output, isCaptured) = (before, wasCaptured)
      return text
    }

    private mutating func run(_ statements: [Statement]) throws(ChatTemplateError) -> Outcome {
      try enter()
      for statement in statements {
        line = statement.line
        let outcome = try run(statement)
        if outcome != .normal {
          leave()
          return outcome
        }
      }
      leave()
      return .normal
    }

    private mutating func run(_ statement: Statement) throws(ChatTemplateError) -> Outcome {
      try spend(1)
      switch statement.kind {
      case .text(let text): try put(text)
      case .output(let expression): try put(try text(try value(of: expression)))
      case .condition(let branches, let otherwise):
        for branch in branches where try value(of: branch.test).isTrue {
          return try run(branch.body)
        }
        return try run(otherwise)
      case .loop(let names, let values, let filter, let body, let otherwise):
        return try loop(names, values, filter, body, otherwise)
      case .assignment(let targets, let expression):
        let value = try value(of: expression)
        if targets.count == 1 {
          try assign(value, to: targets[0])
        } else {
          let parts = try elements(of: value)
          guard parts.count == targets.count else {
            throw failure("\(parts.count) values for \(targets.count) names")
          }
          for (target, part) in zip(targets, parts) { try assign(part, to: target) }
        }
      case .blockAssignment(let target, let body):
        scopes.append([:])
        let text = try captured(body)
        scopes.removeLast()
        try assign(.string(text), to: target)
      case .macro(let name, let parameters, let body):
        let macro = Macro(name: name, parameters: parameters, body: body)
        scopes[scopes.count - 1][name] = .function(.macro(macro))
      case .generation(let body):
        let start = output.utf8.count
        let outcome = try run(body)
        if !isCaptured { spans.append(start..<output.utf8.count) }
        return outcome
      case .exit: return .exit
      case .next: return .next
      }
      return .normal
    }

    private mutating func assign(_ value: Value, to target: Target) throws(ChatTemplateError) {
      switch target {
      case .variable(let name): scopes[scopes.count - 1][name] = value
      case .attribute(let name, let member):
        guard case .namespace(let namespace)? = variable(name) else {
          throw failure("\"\(name)\" is no namespace whose \"\(member)\" could be set")
        }
        if let index = namespace.members.firstIndex(where: { same($0.name, member) }) {
          namespace.members[index].value = value
        } else {
          namespace.members.append(Value.Member(name: member, value: value))
        }
      }
    }

    /// The variable with a name, nil where there is none.
    func variable(_ name: String) -> Value? {
      for scope in scopes.reversed() {
        if let value = scope[name] { return value }
      }
      return nil
    }

    private mutating func loop(
      _ names: [String], _ values: Expression, _ filter: Expression?, _ body: [Statement],
      _ otherwise: [Statement]
    ) throws(ChatTemplateError) -> Outcome {
      var items = try elements(of: try value(of: values))
      try spend(items.count)
      if let filter {
        var kept: [Value] = []
        for item in items {
          scopes.append(try bound(names, item))
          if try value(of: filter).isTrue { kept.append(item) }
          scopes.removeLast()
        }
        items = kept
      }
      if items.isEmpty { return try run(otherwise) }
      let outer = depth
      for (index, item) in items.enumerated() {
        var scope = try bound(names, item)
        scope["loop"] = state(index, items)
        scopes.append(scope)
        let outcome = try run(body)
        scopes.removeLast()
        depth = outer
        if outcome == .exit { break }
      }
      return .normal
    }

    private func bound(
      _ names: [String], _ item: Value
    ) throws(ChatTemplateError) -> [String: Value] {
      if names.count == 1 { return [names[0]: item] }
      guard case .list(let parts) = item, parts.count == names.count else {
        throw failure("\(item.kind) where \(names.count) values are expected")
      }
      return Dictionary(zip(names, parts)) { $1 }
    }

    private func state(_ index: Int, _ items: [Value]) -> Value {
      let count = items.count
      let members: [(String, Value)] = [
        ("index", .integer(index + 1)), ("index0", .integer(index)),
        ("first", .boolean(index == 0)), ("last", .boolean(index == count - 1)),
        ("length", .integer(count)), ("revindex", .integer(count - index)),
        ("revindex0", .integer(count - index - 1)),
        ("previtem", index > 0 ? items[index - 1] : .undefined("loop.previtem")),
        ("nextitem", index + 1 < count ? items[index + 1] : .undefined("loop.nextitem")),
      ]
      return .namespace(Namespace(members.map { Value.Member(name: $0.0, value: $0.1) }))
    }

    /// What a macro puts out.
    mutating func call(
      _ macro: Macro, _ values: [Value], _ named: [Value.Member]
    ) throws(ChatTemplateError) -> Value {
      guard values.count <= macro.parameters.count else {
        throw failure(
          "\(macro.name) takes \(macro.parameters.count) arguments, not \(values.count)")
      }
      try enter()
      let (before, line) = (scopes, line)
      scopes = [scopes[0], [:]]
      for (index, parameter) in macro.parameters.enumerated() {
        if index < values.count {
          scopes[1][parameter.name] = values[index]
        } else if let member = named.first(where: { same($0.name, parameter.name) }) {
          scopes[1][parameter.name] = member.value
        } else if let value = parameter.value {
          scopes[1][parameter.name] = try self.value(of: value)
        } else {
          scopes[1][parameter.name] = .undefined(parameter.name)
        }
      }
      for member in named where !macro.parameters.contains(where: { same($0.name, member.name) }) {
        throw failure("\(macro.name) has no argument \"\(member.name)\"")
      }
      let text = try captured(macro.body)
      (scopes, self.line) = (before, line)
      leave()
      return .string(text)
    }
  }
}
