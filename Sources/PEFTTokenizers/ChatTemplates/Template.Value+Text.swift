internal import PEFTJSON

extension Template.Value {
  /// Writes a value as Python's `str` does.
  ///
  /// - Parameter limit: how many bytes there may be.
  /// - Returns: the text, nil where it would be longer.
  func text(limit: Int) -> String? {
    if case .string(let text) = self { return text.utf8.count <= limit ? text : nil }
    var output = ""
    return write(to: &output, limit: limit, isInner: false) ? output : nil
  }

  private func write(to output: inout String, limit: Int, isInner: Bool) -> Bool {
    switch self {
    case .undefined: output += isInner ? "Undefined" : ""
    case .none: output += "None"
    case .boolean(let value): output += value ? "True" : "False"
    case .integer(let value): output += String(value)
    case .number(let value): output += Self.text(of: value)
    case .string(let text): output += Self.quoted(text)
    case .list(let values):
      output += "["
      for (index, value) in values.enumerated() {
        if index > 0 { output += ", " }
        guard value.write(to: &output, limit: limit, isInner: true) else { return false }
      }
      output += "]"
    case .dictionary(let members):
      output += "{"
      for (index, member) in members.enumerated() {
        output += (index > 0 ? ", " : "") + Self.quoted(member.name) + ": "
        guard member.value.write(to: &output, limit: limit, isInner: true) else { return false }
      }
      output += "}"
    case .namespace: output += "<Namespace>"
    case .function: output += "<function>"
    }
    return output.utf8.count <= limit
  }

  /// A number as Python writes it.
  static func text(of value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    let size = value.magnitude
    if value == value.rounded(), size < 1e16 { return "\(Int(value)).0" }
    let text = "\(value)"
    guard let mark = text.firstIndex(of: "e") else { return text }
    // Swift writes 1e-05 as 1e-05 too, but small and large numbers with one digit less.
    let exponent = text[text.index(after: mark)...]
    let sign = exponent.hasPrefix("-") ? "-" : "+"
    let digits = exponent.drop { $0 == "-" || $0 == "+" }
    var head = String(text[..<mark])
    if head.hasSuffix(".0") { head.removeLast(2) }
    return head + "e" + sign + (digits.count < 2 ? "0" : "") + digits
  }

  private static func quoted(_ text: String) -> String {
    let quote = text.contains("'") && !text.contains("\"") ? "\"" : "'"
    var output = quote
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": output += "\\\\"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      case "'" where quote == "'": output += "\\'"
      default: output.unicodeScalars.append(scalar)
      }
    }
    return output + quote
  }

  /// Writes a value as Python's `json.dumps` does without escaping what is not ASCII.
  ///
  /// - Parameters:
  ///   - output: where the text goes.
  ///   - indent: how many spaces a level is indented by; nil for all in one line.
  ///   - separators: what stands between members and behind names.
  ///   - level: how deep this is.
  ///   - limit: how many bytes there may be.
  /// - Returns: nil, or what cannot be written.
  func writeJSON(
    to output: inout String, indent: Int?, separators: (item: String, key: String), level: Int = 0,
    limit: Int
  ) -> String? {
    if output.utf8.count > limit { return "too much text" }
    func lineBreak(_ level: Int) -> String {
      indent.map { "\n" + String(repeating: " ", count: $0 * level) } ?? ""
    }
    switch self {
    case .none: output += "null"
    case .boolean(let value): output += value ? "true" : "false"
    case .integer(let value): output += String(value)
    case .number(let value):
      output +=
        value.isNaN
        ? "NaN" : value.isInfinite ? (value < 0 ? "-Infinity" : "Infinity") : Self.text(of: value)
    case .string(let text): output += JSON.quoted(text)
    case .list(let values):
      if values.isEmpty {
        output += "[]"
        return nil
      }
      output += "["
      for (index, value) in values.enumerated() {
        output += (index > 0 ? separators.item : "") + lineBreak(level + 1)
        if let problem = value.writeJSON(
          to: &output, indent: indent, separators: separators, level: level + 1, limit: limit)
        {
          return problem
        }
      }
      output += lineBreak(level) + "]"
    case .dictionary(let members):
      if members.isEmpty {
        output += "{}"
        return nil
      }
      output += "{"
      for (index, member) in members.enumerated() {
        output += (index > 0 ? separators.item : "") + lineBreak(level + 1)
        output += JSON.quoted(member.name) + separators.key
        if let problem = member.value.writeJSON(
          to: &output, indent: indent, separators: separators, level: level + 1, limit: limit)
        {
          return problem
        }
      }
      output += lineBreak(level) + "}"
    case .undefined, .namespace, .function: return kind
    }
    return nil
  }
}
