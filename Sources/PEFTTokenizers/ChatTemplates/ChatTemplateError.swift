/// What keeps a chat template from being read or rendered.
///
/// Each case with a line names the line of the template, counted from 1.
public enum ChatTemplateError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The template is not written as Jinja is.
  case syntax(line: Int, reason: String)
  /// The template uses something of Jinja that is not known here.
  case unsupported(line: Int, what: String)
  /// The template does something with a value that the value does not allow.
  case failed(line: Int, reason: String)
  /// The template refuses the messages, by `raise_exception`.
  case raised(line: Int, message: String)
  /// The template takes too many steps, makes too much text or nests too deep.
  case limit(line: Int, what: String)
  /// A message or a tool is no JSON object.
  case invalidJSON(what: String, reason: String)
  /// The tokenizer's folder holds no template.
  case noTemplate
  /// Where a message is in the text cannot be told.
  case noSpan(message: Int)

  /// What is wrong, where, and what would be right.
  public var description: String {
    switch self {
    case .syntax(let line, let reason): "chat template, line \(line): \(reason)"
    case .unsupported(let line, let what):
      "chat template, line \(line): \(what) is not supported"
    case .failed(let line, let reason): "chat template, line \(line): \(reason)"
    case .raised(let line, let message):
      "chat template, line \(line), refuses the messages: \(message)"
    case .limit(let line, let what): "chat template, line \(line): \(what)"
    case .invalidJSON(let what, let reason): "\(what) is no JSON object: \(reason)"
    case .noTemplate:
      "the tokenizer has no chat template; expected chat_template.jinja, or chat_template in "
        + "tokenizer_config.json"
    case .noSpan(let message):
      "the text of message \(message) cannot be told from that of the others; a template with "
        + "{% generation %} around the assistant's text would tell"
    }
  }
}
