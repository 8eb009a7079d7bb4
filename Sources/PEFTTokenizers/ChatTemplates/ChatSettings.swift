import PEFTJSON

/// What a model folder says about its chat template.
struct ChatSettings: Sendable {
  /// The text of the template, nil where there is none.
  private(set) var template: String?
  /// The special tokens that templates name, such as `bos_token`.
  private(set) var variables: [String: String] = [:]

  /// Nothing.
  init() {}

  /// Reads chat_template.jinja and tokenizer_config.json, as far as they are there.
  init(folder: String) throws(TokenizerError) {
    let config = folder + "tokenizer_config.json"
    if FileBytes.exists(config) {
      let field = try Field(contentsOf: config)
      for member in field.json.members ?? [] where member.name.hasSuffix("_token") {
        let token = member.value.string ?? member.value["content"]?.string
        if let token { variables[member.name] = token }
      }
      if let value = field.json["chat_template"], !value.isNull {
        template = try Self.template(Field(value, file: config, name: "chat_template"))
      }
    }
    let file = folder + "chat_template.jinja"
    if FileBytes.exists(file) {
      guard let text = String(validating: try FileBytes.read(file), as: UTF8.self) else {
        throw .invalid(path: file, field: "the file", expected: "UTF-8", found: "other bytes")
      }
      template = text
    }
  }

  /// The template itself, or the one called `default` among several.
  private static func template(_ field: Field) throws(TokenizerError) -> String? {
    if field.json.elements == nil { return try field.string() }
    for element in try field.elements() {
      var object = try ObjectReader(element)
      let name = try object.required("name").string()
      let text = try object.required("template").string()
      if name == "default" { return text }
    }
    return nil
  }
}
