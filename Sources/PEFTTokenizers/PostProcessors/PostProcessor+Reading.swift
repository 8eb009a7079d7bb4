import PEFTJSON

extension PostProcessor {
  private static let known = [
    "Sequence", "ByteLevel", "TemplateProcessing", "BertProcessing", "RobertaProcessing",
  ]

  /// Reads the component that `field` describes.
  init(reading field: Field) throws(TokenizerError) {
    var object = try ObjectReader(field)
    let type = try object.required("type")
    switch try type.string() {
    case "Sequence":
      self.init()
      for field in try object.required("processors").elements() {
        let next = try PostProcessor(reading: field)
        if next.isTemplate {
          if isTemplate {
            throw field.unsupported(known: ["one component that adds special tokens"])
          }
          (single, pair, barePair, isTemplate) = (next.single, next.pair, next.barePair, true)
        }
        trimming = next.trimming ?? trimming
      }
    case "ByteLevel":
      self.init()
      let addsPrefixSpace = try object.bool("add_prefix_space")
      if try object.bool("trim_offsets") { trimming = Trimming(addsPrefixSpace: addsPrefixSpace) }
      _ = try object.bool("use_regex", missing: true)
    case "BertProcessing":
      self.init()
      let separator = try Self.special(reading: try object.required("sep"))
      let start = try Self.special(reading: try object.required("cls"))
      setBERT(start: start, separator: separator)
    case "RobertaProcessing":
      self.init()
      let separator = try Self.special(reading: try object.required("sep"))
      let start = try Self.special(reading: try object.required("cls"))
      let addsPrefixSpace = try object.bool("add_prefix_space")
      if try object.bool("trim_offsets") { trimming = Trimming(addsPrefixSpace: addsPrefixSpace) }
      setRoBERTa(start: start, separator: separator)
    case "TemplateProcessing":
      self.init()
      try setTemplate(reading: &object)
    default: throw type.unsupported(known: Self.known)
    }
    try object.finish()
  }

  /// The special tokens of BERT.
  mutating func setBERT(start: Int32, separator: Int32) {
    single = [
      .special([start], typeID: 0), .text(0, typeID: 0), .special([separator], typeID: 0),
    ]
    barePair = pair
    pair = single + [.text(1, typeID: 1), .special([separator], typeID: 1)]
    isTemplate = true
  }

  /// The special tokens of RoBERTa, which has one type of tokens only.
  mutating func setRoBERTa(start: Int32, separator: Int32) {
    let end = Piece.special([separator], typeID: 0)
    single = [.special([start], typeID: 0), .text(0, typeID: 0), end]
    pair = single + [end, .text(1, typeID: 0), end]
    isTemplate = true
  }

  /// Reads a token with its id.
  private static func special(reading field: Field) throws(TokenizerError) -> Int32 {
    let pair = try field.elements()
    if pair.count != 2 { throw field.invalid(expected: "a token and its id") }
    _ = try pair[0].string()
    return try pair[1].id()
  }

  private mutating func setTemplate(reading object: inout ObjectReader) throws(TokenizerError) {
    let specials = try Self.specials(reading: try object.required("special_tokens"))
    single = []
    for field in try object.required("single").elements() {
      single.append(try Self.piece(reading: field, specials, texts: ["A"]))
    }
    if let field = object.optional("pair") {
      pair = []
      for field in try field.elements() {
        pair.append(try Self.piece(reading: field, specials, texts: ["A", "B"]))
      }
    }
    isTemplate = true
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
    reading field: Field, _ specials: [(name: String, ids: [Int32])], texts: [String]
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
    let typeID = try content.optional("type_id")?.id() ?? 0
    try content.finish()
    let name = try id.string()
    if sequence != nil {
      guard let text = texts.firstIndex(of: name) else {
        throw id.unsupported(known: texts.map { "\"\($0)\"" })
      }
      return .text(text, typeID: typeID)
    }
    guard let found = specials.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) else {
      throw .unknownToken(path: id.file, field: id.name, token: name)
    }
    return .special(found.ids, typeID: typeID)
  }
}
