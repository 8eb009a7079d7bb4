extension JSON {
  /// Reads a JSON text (RFC 8259), strictly.
  ///
  /// - Parameters:
  ///   - bytes: the text in UTF-8.
  ///   - maximumDepth: how many arrays and objects may be nested.
  /// - Throws: `JSONError` for anything outside the grammar, duplicate names included.
  /// - Complexity: linear in the number of bytes.
  package init(
    parsing bytes: some Sequence<UInt8>, maximumDepth: Int = 64
  ) throws(JSONError) {
    var parser = Parser(bytes: ContiguousArray(bytes), maximumDepth: maximumDepth)
    self = try parser.document()
  }

  private struct Parser {
    let bytes: ContiguousArray<UInt8>
    let maximumDepth: Int
    var position = 0

    init(bytes: ContiguousArray<UInt8>, maximumDepth: Int) {
      self.bytes = bytes
      self.maximumDepth = maximumDepth
    }

    mutating func document() throws(JSONError) -> JSON {
      let value = try value(depth: 0)
      skipSpace()
      if position < bytes.count { throw fault(.trailingText) }
      return value
    }

    func fault(_ reason: JSONError.Reason) -> JSONError {
      JSONError(reason: reason, offset: position)
    }

    mutating func skipSpace() {
      while position < bytes.count, [0x20, 0x0A, 0x0D, 0x09].contains(bytes[position]) {
        position += 1
      }
    }

    func peek() throws(JSONError) -> UInt8 {
      if position == bytes.count { throw fault(.unexpectedEnd) }
      return bytes[position]
    }

    mutating func expect(_ byte: UInt8) throws(JSONError) {
      let found = try peek()
      if found != byte { throw fault(.unexpectedByte(found)) }
      position += 1
    }

    mutating func value(depth: Int) throws(JSONError) -> JSON {
      skipSpace()
      switch try peek() {
      case UInt8(ascii: "{"): return try object(depth: depth + 1)
      case UInt8(ascii: "["): return try array(depth: depth + 1)
      case UInt8(ascii: "\""): return .string(try string())
      case UInt8(ascii: "t"): return try word("true", .bool(true))
      case UInt8(ascii: "f"): return try word("false", .bool(false))
      case UInt8(ascii: "n"): return try word("null", .null)
      default: return try number()
      }
    }

    mutating func word(_ word: StaticString, _ value: JSON) throws(JSONError) -> JSON {
      for index in 0..<word.utf8CodeUnitCount { try expect(word.utf8Start[index]) }
      return value
    }

    mutating func object(depth: Int) throws(JSONError) -> JSON {
      if depth > maximumDepth { throw fault(.tooDeep(limit: maximumDepth)) }
      position += 1
      var members: [Member] = []
      var names: Set<ContiguousArray<UInt8>> = []
      skipSpace()
      if try peek() == UInt8(ascii: "}") {
        position += 1
        return .object(members)
      }
      while true {
        skipSpace()
        let name = try string()
        if !names.insert(ContiguousArray(name.utf8)).inserted { throw fault(.duplicateName(name)) }
        skipSpace()
        try expect(UInt8(ascii: ":"))
        members.append(Member(name, try value(depth: depth)))
        skipSpace()
        if try peek() == UInt8(ascii: ",") {
          position += 1
          continue
        }
        try expect(UInt8(ascii: "}"))
        return .object(members)
      }
    }

    mutating func array(depth: Int) throws(JSONError) -> JSON {
      if depth > maximumDepth { throw fault(.tooDeep(limit: maximumDepth)) }
      position += 1
      var elements: [JSON] = []
      skipSpace()
      if try peek() == UInt8(ascii: "]") {
        position += 1
        return .array(elements)
      }
      while true {
        elements.append(try value(depth: depth))
        skipSpace()
        if try peek() == UInt8(ascii: ",") {
          position += 1
          continue
        }
        try expect(UInt8(ascii: "]"))
        return .array(elements)
      }
    }

    mutating func string() throws(JSONError) -> String {
      try expect(UInt8(ascii: "\""))
      let start = position
      while position < bytes.count, bytes[position] >= 0x20, bytes[position] != UInt8(ascii: "\""),
        bytes[position] != UInt8(ascii: "\\")
      {
        position += 1
      }
      if try peek() == UInt8(ascii: "\"") {
        let text = try text(bytes[start..<position])
        position += 1
        return text
      }
      var units = Array(bytes[start..<position])
      while true {
        let byte = try peek()
        switch byte {
        case UInt8(ascii: "\""):
          let text = try text(units[...])
          position += 1
          return text
        case UInt8(ascii: "\\"):
          position += 1
          try escape(into: &units)
        case 0..<0x20: throw fault(.unexpectedByte(byte))
        default:
          units.append(byte)
          position += 1
        }
      }
    }

    func text(_ units: some Collection<UInt8>) throws(JSONError) -> String {
      guard let text = String(validating: units, as: UTF8.self) else { throw fault(.invalidUTF8) }
      return text
    }

    mutating func escape(into units: inout [UInt8]) throws(JSONError) {
      let byte = try peek()
      position += 1
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(byte)
      case UInt8(ascii: "b"): units.append(0x08)
      case UInt8(ascii: "f"): units.append(0x0C)
      case UInt8(ascii: "n"): units.append(0x0A)
      case UInt8(ascii: "r"): units.append(0x0D)
      case UInt8(ascii: "t"): units.append(0x09)
      case UInt8(ascii: "u"):
        var code = try hexadecimal()
        if (0xD800..<0xDC00).contains(code) {
          guard position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
          else { throw fault(.invalidEscape) }
          position += 2
          let low = try hexadecimal()
          guard (0xDC00..<0xE000).contains(low) else { throw fault(.invalidEscape) }
          code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw fault(.invalidEscape) }
        units.append(contentsOf: String(Character(scalar)).utf8)
      default: throw fault(.invalidEscape)
      }
    }

    mutating func hexadecimal() throws(JSONError) -> UInt32 {
      var code: UInt32 = 0
      for _ in 0..<4 {
        let byte = try peek()
        guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
          throw fault(.invalidEscape)
        }
        code = code << 4 | UInt32(digit)
        position += 1
      }
      return code
    }

    mutating func number() throws(JSONError) -> JSON {
      let start = position
      if position < bytes.count, bytes[position] == UInt8(ascii: "-") { position += 1 }
      let first = try peek()
      let whole = digits()
      if whole == 0 {
        throw start == position ? fault(.unexpectedByte(first)) : fault(.invalidNumber)
      }
      if whole > 1, first == UInt8(ascii: "0") { throw fault(.invalidNumber) }
      var isInteger = true
      if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
        isInteger = false
        position += 1
        if digits() == 0 { throw fault(.invalidNumber) }
      }
      if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
        isInteger = false
        position += 1
        if position < bytes.count, [UInt8(ascii: "+"), UInt8(ascii: "-")].contains(bytes[position])
        {
          position += 1
        }
        if digits() == 0 { throw fault(.invalidNumber) }
      }
      let text = String(decoding: bytes[start..<position], as: UTF8.self)
      if isInteger, let value = Int(text) { return .integer(value) }
      guard let value = Double(text), value.isFinite else { throw fault(.invalidNumber) }
      return .number(value)
    }

    mutating func digits() -> Int {
      let start = position
      while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
      return position - start
    }
  }
}
