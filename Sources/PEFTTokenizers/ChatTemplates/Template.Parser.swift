extension Template {
  /// Reads the segments of a template.
  struct Parser {
    /// How deep tags and expressions may be nested, chains of operators included.
    private static let deepest = 150

    private var segments: ArraySlice<Segment>
    private var depth = 0
    /// The tokens of the current segment.
    var tokens: ArraySlice<Token> = []
    /// The line of the current segment.
    var line = 1

    /// The statements of a template.
    static func statements(of template: String) throws(ChatTemplateError) -> [Statement] {
      let segments = try Lexer.segments(of: template)
      var parser = Parser(segments: segments[...])
      let (statements, end) = try parser.block(until: [])
      if let end { throw parser.syntax("the tag \(end) where nothing is open") }
      return statements
    }

    private init(segments: ArraySlice<Segment>) { self.segments = segments }

    /// The error for what is written in the current line.
    func syntax(_ reason: String) -> ChatTemplateError { .syntax(line: line, reason: reason) }

    /// Goes one level deeper.
    mutating func enter() throws(ChatTemplateError) {
      depth += 1
      if depth > Self.deepest {
        throw .limit(line: line, what: "nesting deeper than \(Self.deepest)")
      }
    }

    /// Goes levels back.
    mutating func leave(_ levels: Int = 1) { depth -= levels }

    /// Takes a sign if it is next.
    mutating func take(_ sign: String) -> Bool {
      guard tokens.first == .sign(sign) else { return false }
      tokens.removeFirst()
      return true
    }

    /// Takes a word if it is next.
    mutating func take(word: String) -> Bool {
      guard tokens.first == .name(word) else { return false }
      tokens.removeFirst()
      return true
    }

    /// Takes a sign that must be next.
    mutating func require(_ sign: String) throws(ChatTemplateError) {
      if !take(sign) { throw syntax("expected \"\(sign)\", found \(found)") }
    }

    /// Takes a name that must be next.
    mutating func name() throws(ChatTemplateError) -> String {
      guard case .name(let name)? = tokens.first else {
        throw syntax("expected a name, found \(found)")
      }
      tokens.removeFirst()
      return name
    }

    /// What is next, for errors.
    var found: String {
      switch tokens.first {
      case nil: "the end of the tag"
      case .name(let text), .sign(let text): "\"\(text)\""
      case .string: "a string"
      case .integer, .number: "a number"
      }
    }

    private func finish() throws(ChatTemplateError) {
      if !tokens.isEmpty { throw syntax("unexpected \(found)") }
    }

    /// The statements up to a tag with one of the names, whose name is taken and returned.
    private mutating func block(
      until ends: [String]
    ) throws(ChatTemplateError) -> ([Statement], end: String?) {
      try enter()
      let opened = line
      var statements: [Statement] = []
      while let segment = segments.popFirst() {
        switch segment {
        case .text(let text): statements.append(Statement(kind: .text(text), line: line))
        case .output(let tokens, let line):
          (self.tokens, self.line) = (tokens[...], line)
          statements.append(Statement(kind: .output(try tuple()), line: line))
          try finish()
        case .tag(let tokens, let line):
          (self.tokens, self.line) = (tokens[...], line)
          let name = try name()
          if ends.contains(name) {
            leave()
            return (statements, name)
          }
          statements.append(Statement(kind: try statement(name), line: line))
        }
      }
      leave()
      if ends.isEmpty { return (statements, nil) }
      throw .syntax(line: opened, reason: "expected \(ends[ends.count - 1]), found the end")
    }

    private mutating func body(until end: String) throws(ChatTemplateError) -> [Statement] {
      try finish()
      let body = try block(until: [end]).0
      try finish()
      return body
    }

    private mutating func statement(_ name: String) throws(ChatTemplateError) -> Statement.Kind {
      switch name {
      case "if": return try condition()
      case "for": return try loop()
      case "set": return try assignment()
      case "macro": return try macro()
      case "generation": return .generation(try body(until: "endgeneration"))
      case "break", "continue":
        try finish()
        return name == "break" ? .exit : .next
      case "elif", "else", "endif", "endfor", "endset", "endmacro", "endgeneration":
        throw syntax("the tag \(name) where nothing is open")
      default: throw .unsupported(line: line, what: "the tag \"\(name)\"")
      }
    }

    private mutating func condition() throws(ChatTemplateError) -> Statement.Kind {
      var branches: [(test: Expression, body: [Statement])] = []
      var otherwise: [Statement] = []
      var test: Expression? = try tuple()
      while true {
        try finish()
        let (body, end) = try block(until: test == nil ? ["endif"] : ["elif", "else", "endif"])
        if let test { branches.append((test, body)) } else { otherwise = body }
        if end == "endif" { break }
        test = end == "elif" ? try tuple() : nil
      }
      try finish()
      return .condition(branches, otherwise: otherwise)
    }

    private mutating func loop() throws(ChatTemplateError) -> Statement.Kind {
      var names = [try name()]
      while take(",") { names.append(try name()) }
      if !take(word: "in") { throw syntax("expected \"in\", found \(found)") }
      let values = try tuple(withCondition: false)
      let filter = take(word: "if") ? try expression() : nil
      if take(word: "recursive") { throw .unsupported(line: line, what: "a recursive loop") }
      try finish()
      var (body, end) = try block(until: ["else", "endfor"])
      var otherwise: [Statement] = []
      if end == "else" {
        try finish()
        (otherwise, end) = try block(until: ["endfor"])
      }
      try finish()
      return .loop(names, values, filter: filter, body: body, otherwise: otherwise)
    }

    private mutating func assignment() throws(ChatTemplateError) -> Statement.Kind {
      var targets = [try target()]
      while take(",") { targets.append(try target()) }
      if take("=") {
        let value = try tuple()
        try finish()
        return .assignment(targets, value)
      }
      if tokens.first == .sign("|") { throw .unsupported(line: line, what: "a filter on a block") }
      guard targets.count == 1 else { throw syntax("expected \"=\", found \(found)") }
      return .blockAssignment(targets[0], try body(until: "endset"))
    }

    private mutating func target() throws(ChatTemplateError) -> Target {
      let name = try name()
      return take(".") ? .attribute(name, try self.name()) : .variable(name)
    }

    private mutating func macro() throws(ChatTemplateError) -> Statement.Kind {
      let name = try name()
      var parameters: [(name: String, value: Expression?)] = []
      try require("(")
      while !take(")") {
        if !parameters.isEmpty { try require(",") }
        let parameter = try self.name()
        parameters.append((parameter, take("=") ? try expression() : nil))
      }
      return .macro(name, parameters, body: try body(until: "endmacro"))
    }
  }
}
