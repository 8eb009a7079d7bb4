/// What is wrong with a JSON text, and at which byte.
package struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The kinds of fault.
  package enum Reason: Equatable, Sendable {
    /// The text ends inside a value.
    case unexpectedEnd
    /// A byte that no rule of the grammar allows here.
    case unexpectedByte(UInt8)
    /// Bytes that are not UTF-8.
    case invalidUTF8
    /// A `\` escape that does not exist, or half a surrogate pair.
    case invalidEscape
    /// A number outside the grammar or the range of a Double.
    case invalidNumber
    /// More nested arrays and objects than the limit.
    case tooDeep(limit: Int)
    /// A name that occurs twice in one object.
    case duplicateName(String)
    /// Text after the value.
    case trailingText
  }

  /// What is wrong.
  package var reason: Reason
  /// The byte at which it was found, from 0.
  package var offset: Int

  /// Names a fault and its place.
  package init(reason: Reason, offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  package var description: String {
    let what =
      switch reason {
      case .unexpectedEnd: "the text ends inside a value"
      case .unexpectedByte(let byte): "unexpected byte 0x\(String(byte, radix: 16))"
      case .invalidUTF8: "a string is not valid UTF-8"
      case .invalidEscape: "an escape in a string is not valid"
      case .invalidNumber: "a number is not valid"
      case .tooDeep(let limit): "more than \(limit) nested values"
      case .duplicateName(let name): "the name \"\(name)\" occurs twice in one object"
      case .trailingText: "text follows the value"
      }
    return "\(what) at byte \(offset)"
  }
}
