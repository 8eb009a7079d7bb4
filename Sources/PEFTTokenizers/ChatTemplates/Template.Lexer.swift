/// The parts of Jinja that chat templates are written in.
enum Template {
  /// A piece of an expression or of a tag.
  enum Token: Equatable {
    case name(String)
    case string(String)
    case integer(Int)
    case number(Double)
    case sign(String)
  }

  /// A piece of a template.
  enum Segment {
    /// Text as it is.
    case text(String)
    /// An expression whose value is put out.
    case output([Token], line: Int)
    /// A tag.
    case tag([Token], line: Int)
  }

  /// Cuts a template into segments, with blocks trimmed and stripped as Transformers sets Jinja up.
  struct Lexer {
    /// How long a template may be, in characters.
    private static let longest = 1 << 20
    private static let signs = [
      "**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")",
      "[", "]", "{", "}", ".", ",", ":", "|", ";",
    ].map { Array($0.unicodeScalars) }

    private let source: [Unicode.Scalar]
    private var position = 0
    private var line = 1
    private var segments: [Segment] = []

    private init(_ template: String) {
      var source: [Unicode.Scalar] = []
      for scalar in template.unicodeScalars {
        // Jinja knows one kind of line break.
        if scalar == "\n", source.last == "\r" { source.removeLast() }
        source.append(scalar)
      }
      if source.last == "\n" || source.last == "\r" { source.removeLast() }
      self.source = source.map { $0 == "\r" ? "\n" : $0 }
    }

    /// The segments of a template.
    static func segments(of template: String) throws(ChatTemplateError) -> [Segment] {
      guard template.unicodeScalars.count <= longest else {
        throw .limit(line: 1, what: "the template has more than \(longest) characters")
      }
      var lexer = Lexer(template)
      try lexer.run()
      return lexer.segments
    }

    private func isAt(_ text: StaticString, _ place: Int) -> Bool {
      var place = place
      var isEqual = true
      text.withUTF8Buffer { bytes in
        for byte in bytes {
          isEqual = isEqual && place < source.count && source[place].value == UInt32(byte)
          place += 1
        }
      }
      return isEqual
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
      TextClasses(of: scalar.value).contains(.space)
    }

    private mutating func advance(to end: Int) {
      while position < end {
        if source[position] == "\n" { line += 1 }
        position += 1
      }
    }

    private mutating func run() throws(ChatTemplateError) {
      var isLineStart = true
      while position < source.count {
        let start = position
        var end = start
        while end < source.count, !(isAt("{{", end) || isAt("{%", end) || isAt("{#", end)) {
          end += 1
        }
        var kept = end
        let isTag = end < source.count && source[end + 1] != "{"
        if end + 2 < source.count, source[end + 2] == "-" {
          while kept > start, Self.isSpace(source[kept - 1]) { kept -= 1 }
        } else if isTag, !(end + 2 < source.count && source[end + 2] == "+") {
          let strip = lineStart(start, end, isLineStart)
          if let strip { kept = strip }
        }
        if kept > start {
          var text = String.UnicodeScalarView()
          text.append(contentsOf: source[start..<kept])
          segments.append(.text(String(text)))
        }
        advance(to: end)
        if position < source.count { isLineStart = try tag() }
      }
    }

    /// Where the white space before a tag begins that is all there is on its line; nil where more is.
    private func lineStart(_ start: Int, _ end: Int, _ isLineStart: Bool) -> Int? {
      var place = end
      while place > start, source[place - 1] != "\n" {
        if !Self.isSpace(source[place - 1]) { return nil }
        place -= 1
      }
      return place > start || isLineStart ? place : nil
    }

    /// Takes a tag, an output or a comment; whether a new line begins after it.
    private mutating func tag() throws(ChatTemplateError) -> Bool {
      let first = line
      let kind = source[position + 1]
      advance(to: position + 2)
      if kind == "#" {
        var end = position
        while end < source.count, !isAt("#}", end) { end += 1 }
        guard end < source.count else {
          throw .syntax(line: first, reason: "a comment that does not end")
        }
        let strips = end > position && source[end - 1] == "-"
        let keeps = end > position && source[end - 1] == "+"
        advance(to: end + 2)
        return skipAfter(strips: strips, trims: !keeps)
      }
      if position < source.count, source[position] == "-" || source[position] == "+" {
        advance(to: position + 1)
      }
      let (tokens, mark) = try tokens(until: kind == "{" ? "}}" : "%}", from: first)
      segments.append(
        kind == "{" ? .output(tokens, line: first) : .tag(tokens, line: first))
      return skipAfter(strips: mark == "-", trims: kind == "%" && mark != "+")
    }

    private mutating func skipAfter(strips: Bool, trims: Bool) -> Bool {
      var end = position
      if strips {
        while end < source.count, Self.isSpace(source[end]) { end += 1 }
      } else if trims, end < source.count, source[end] == "\n" {
        end += 1
      }
      let isLineStart = end > position && source[end - 1] == "\n"
      advance(to: end)
      return isLineStart
    }

    private typealias Tokens = ([Token], mark: Unicode.Scalar?)

    private mutating func tokens(
      until end: StaticString, from first: Int
    ) throws(ChatTemplateError) -> Tokens {
      var tokens: [Token] = []
      var open: [Unicode.Scalar] = []
      while position < source.count {
        let scalar = source[position]
        if Self.isSpace(scalar) {
          advance(to: position + 1)
        } else if open.isEmpty, isAt(end, position) {
          advance(to: position + 2)
          return (tokens, nil)
        } else if open.isEmpty, scalar == "-" || scalar == "+", isAt(end, position + 1) {
          advance(to: position + 3)
          return (tokens, scalar)
        } else {
          tokens.append(try token(&open))
        }
      }
      throw .syntax(line: first, reason: "a tag that does not end")
    }

    private mutating func token(
      _ open: inout [Unicode.Scalar]
    ) throws(ChatTemplateError) -> Token {
      let scalar = source[position]
      if scalar == "'" || scalar == "\"" { return .string(try string(scalar)) }
      if ("0"..."9").contains(scalar) { return try number() }
      if scalar == "_" || scalar.properties.isAlphabetic {
        var name = String.UnicodeScalarView()
        while position < source.count,
          source[position] == "_"
            || source[position].properties.isAlphabetic || ("0"..."9").contains(source[position])
        {
          name.append(source[position])
          position += 1
        }
        return .name(String(name))
      }
      for sign in Self.signs where source[position...].starts(with: sign) {
        position += sign.count
        if "([{".unicodeScalars.contains(scalar) { open.append(scalar) }
        if ")]}".unicodeScalars.contains(scalar), open.popLast() == nil {
          throw .syntax(line: line, reason: "\"\(scalar)\" without an opening one")
        }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: sign)
        return .sign(String(text))
      }
      throw .syntax(line: line, reason: "\"\(scalar)\" in an expression")
    }

    private mutating func string(_ quote: Unicode.Scalar) throws(ChatTemplateError) -> String {
      let first = line
      var text = String.UnicodeScalarView()
      position += 1
      while position < source.count {
        let scalar = source[position]
        if scalar == quote {
          position += 1
          return String(text)
        }
        if scalar == "\\", position + 1 < source.count {
          position += 1
          text.append(contentsOf: try escaped())
        } else {
          text.append(scalar)
          advance(to: position + 1)
        }
      }
      throw .syntax(line: first, reason: "a string that does not end")
    }

    private mutating func escaped() throws(ChatTemplateError) -> [Unicode.Scalar] {
      let scalar = source[position]
      advance(to: position + 1)
      switch scalar {
      case "n": return ["\n"]
      case "t": return ["\t"]
      case "r": return ["\r"]
      case "\\", "'", "\"": return [scalar]
      case "\n": return []
      case "u", "x":
        let count = scalar == "u" ? 4 : 2
        var value: UInt32 = 0
        for place in position..<position + count {
          guard place < source.count, let digit = Character(source[place]).hexDigitValue else {
            throw .syntax(line: line, reason: "a string with a wrong escape")
          }
          value = value << 4 | UInt32(digit)
        }
        position += count
        guard let scalar = Unicode.Scalar(value) else {
          throw .unsupported(line: line, what: "half of a surrogate pair in a string")
        }
        return [scalar]
      case "a", "b", "f", "v", "N", "U", "0"..."7":
        throw .unsupported(line: line, what: "\\\(scalar) in a string")
      default: return ["\\", scalar]
      }
    }

    private func startsExponent(_ place: Int) -> Bool {
      let hasSign = place < source.count && (source[place] == "-" || source[place] == "+")
      let digit = hasSign ? place + 1 : place
      return digit < source.count && ("0"..."9").contains(source[digit])
    }

    private mutating func number() throws(ChatTemplateError) -> Token {
      var text = ""
      var isReal = false
      var hasExponent = false
      while position < source.count {
        let scalar = source[position]
        let next = position + 1 < source.count ? source[position + 1] : " "
        if scalar == ".", !isReal, ("0"..."9").contains(next) {
          isReal = true
        } else if scalar == "e" || scalar == "E", !hasExponent, startsExponent(position + 1) {
          (isReal, hasExponent) = (true, true)
          if next == "-" || next == "+" {
            text += "e"
            position += 1
            text.unicodeScalars.append(next)
            position += 1
            continue
          }
        } else if !("0"..."9").contains(scalar) {
          break
        }
        text.unicodeScalars.append(scalar)
        position += 1
      }
      if let value = Int(text) { return .integer(value) }
      guard isReal, let value = Double(text) else {
        throw .unsupported(line: line, what: "the number \(text)")
      }
      return .number(value)
    }
  }
}
