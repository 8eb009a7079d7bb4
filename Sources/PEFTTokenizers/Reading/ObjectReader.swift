import PEFTJSON

/// Reads the members of a JSON object one by one and knows which were not read.
///
/// A member nobody asked for could change the result, so `finish` refuses it instead of ignoring it.
struct ObjectReader {
  /// The object.
  let field: Field
  private let members: [JSON.Member]
  private var isRead: [Bool]

  /// Opens an object.
  init(_ field: Field) throws(TokenizerError) {
    guard let members = field.json.members else { throw field.invalid(expected: "an object") }
    self.field = field
    self.members = members
    isRead = Array(repeating: false, count: members.count)
  }

  private func place(of name: String) -> String {
    field.name.isEmpty ? name : "\(field.name).\(name)"
  }

  /// The member called `name`, or nil where it is missing or null.
  mutating func optional(_ name: String) -> Field? {
    guard let index = members.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
      return nil
    }
    isRead[index] = true
    let value = members[index].value
    return value.isNull ? nil : Field(value, file: field.file, name: place(of: name))
  }

  /// The member called `name`.
  mutating func required(_ name: String) throws(TokenizerError) -> Field {
    guard let value = optional(name) else {
      throw .missing(path: field.file, field: place(of: name))
    }
    return value
  }

  /// A boolean member, or `missing` where it is not there; without `missing` it must be.
  mutating func bool(_ name: String, missing: Bool? = nil) throws(TokenizerError) -> Bool {
    if let missing, optional(name) == nil { return missing }
    return try required(name).bool()
  }

  /// Refuses a member that is there and not null.
  mutating func refuse(_ name: String) throws(TokenizerError) {
    if let value = optional(name) { throw value.unsupported(known: ["null"]) }
  }

  /// Refuses the first member that was not read and is not null.
  func finish() throws(TokenizerError) {
    for (member, isRead) in zip(members, isRead) where !isRead && !member.value.isNull {
      throw Field(member.value, file: field.file, name: place(of: member.name)).unsupported()
    }
  }
}
