import PEFTJSON

/// Puts a text into a template of special tokens.
struct TemplatePostProcessor: PostProcessor {
  private enum Piece: Sendable {
    case text
    case special([Int32])
  }

  private let pieces: [Piece]

  /// Reads the template for a single text; the one for pairs is not used.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    let specials = try Self.specials(reading: try object.required("special_tokens"))
    var pieces: [Piece] = []
    for field in try object.required("single").elements() {
      pieces.append(try Self.piece(reading: field, specials: specials))
    }
    self.pieces = pieces
    _ = object.optional("pair")
    try object.finish()
  }

  private static func specials(
    reading field: Field
  ) throws(TokenizerError) -> [(name: String, ids: [Int32])] {
    var object = try ObjectReader(field)
    var specials: [(name: String, ids: [Int32])] = []
    for member in field.json.members ?? [] {
      var entry = try ObjectReader(try object.required(member.name))
      _ = try entry.required("id").string()
      _ = try entry.required("tokens").elements()
      var ids: [Int32] = []
      for id in try entry.required("ids").elements() { ids.append(try id.id()) }
      try entry.finish()
      specials.append((member.name, ids))
    }
    return specials
  }

  private static func piece(
    reading field: Field, specials: [(name: String, ids: [Int32])]
  ) throws(TokenizerError) -> Piece {
    var object = try ObjectReader(field)
    let sequence = object.optional("Sequence")
    let special = object.optional("SpecialToken")
    try object.finish()
    guard let choice = sequence ?? special, (sequence == nil) != (special == nil) else {
      throw field.invalid(expected: "one of Sequence and SpecialToken")
    }
    var content = try ObjectReader(choice)
    let id = try content.required("id")
    // Which half of a pair a token is counted to; a single text needs no such mark.
    _ = content.optional("type_id")
    try content.finish()
    let name = try id.string()
    if sequence != nil {
      if name != "A" { throw id.unsupported(known: ["\"A\""]) }
      return .text
    }
    guard let found = specials.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
      throw .unknownToken(path: id.file, field: id.name, token: name)
    }
    return .special(found.ids)
  }

  func process(_ ids: [Int32], addSpecialTokens: Bool) -> [Int32] {
    var output: [Int32] = []
    output.reserveCapacity(ids.count + pieces.count)
    for piece in pieces {
      switch piece {
      case .text: output += ids
      case .special(let special): if addSpecialTokens { output += special }
      }
    }
    return output
  }
}
