extension JSON {
  /// How a JSON text is laid out.
  package enum Layout: Sendable {
    /// On one line without spaces.
    case compact
    /// Two spaces of indentation a level, as Python's `json.dumps(indent=2)` writes it.
    case indented
  }

  /// The same value with the members of every object sorted by the Unicode scalars of their names.
  package var sorted: JSON {
    switch self {
    case .object(let members):
      .object(
        members.map { Member($0.name, $0.value.sorted) }
          .sorted { $0.name.unicodeScalars.lexicographicallyPrecedes($1.name.unicodeScalars) })
    case .array(let elements): .array(elements.map(\.sorted))
    default: self
    }
  }

  /// The JSON text of this value.
  ///
  /// Everything outside ASCII is escaped, as Python's `json.dumps` does by default. A number that is
  /// not finite, for which JSON has no spelling, is written as `null`.
  package func text(_ layout: Layout) -> String {
    var output = ""
    write(to: &output, layout, level: 0)
    return output
  }

  private func write(to output: inout String, _ layout: Layout, level: Int) {
    switch self {
    case .null: output += "null"
    case .bool(let value): output += value ? "true" : "false"
    case .integer(let value): output += String(value)
    case .number(let value): output += value.isFinite ? "\(value)" : "null"
    case .string(let text): Self.quote(text, to: &output)
    case .array(let elements):
      Self.list(elements, "[", "]", to: &output, layout, level) { element, output in
        element.write(to: &output, layout, level: level + 1)
      }
    case .object(let members):
      Self.list(members, "{", "}", to: &output, layout, level) { member, output in
        Self.quote(member.name, to: &output)
        output += layout == .compact ? ":" : ": "
        member.value.write(to: &output, layout, level: level + 1)
      }
    }
  }

  private static func list<Item>(
    _ items: [Item], _ open: String, _ close: String, to output: inout String, _ layout: Layout,
    _ level: Int, each: (Item, inout String) -> Void
  ) {
    output += open
    for (index, item) in items.enumerated() {
      if index > 0 { output += "," }
      if layout == .indented { output += "\n" + String(repeating: "  ", count: level + 1) }
      each(item, &output)
    }
    if layout == .indented, !items.isEmpty {
      output += "\n" + String(repeating: "  ", count: level)
    }
    output += close
  }

  /// A string in quotes with all but quotes, backslashes and control characters as it is, in UTF-8.
  ///
  /// Python's `json.dumps(ensure_ascii=False)` and the safetensors library write strings like this.
  package static func quoted(_ text: String) -> String {
    var output = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": output += "\\\""
      case "\\": output += "\\\\"
      case "\u{8}": output += "\\b"
      case "\u{C}": output += "\\f"
      case "\n": output += "\\n"
      case "\r": output += "\\r"
      case "\t": output += "\\t"
      case "\u{0}"..<"\u{20}": output += escape(UInt16(scalar.value))
      default: output.unicodeScalars.append(scalar)
      }
    }
    return output + "\""
  }

  private static func escape(_ unit: UInt16) -> String {
    let digits = String(unit, radix: 16)
    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
  }

  private static func quote(_ text: String, to output: inout String) {
    output += "\""
    for unit in text.utf16 {
      switch unit {
      case 0x22: output += "\\\""
      case 0x5C: output += "\\\\"
      case 0x08: output += "\\b"
      case 0x0C: output += "\\f"
      case 0x0A: output += "\\n"
      case 0x0D: output += "\\r"
      case 0x09: output += "\\t"
      case 0x20..<0x7F: output.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
      default: output += escape(unit)
      }
    }
    output += "\""
  }
}
