/// One option of a subcommand.
struct Option: Sendable {
  /// The name without dashes, which is also its name in a settings file.
  let name: String
  /// What the value is called in the help; nil for a switch.
  let value: String?
  /// What holds where the option is not given, for the help; nil where there is nothing to say.
  let fallback: String?
  /// One sentence for the help.
  let help: String
  /// Whether it can be given several times.
  var isRepeatable = false

  /// An option with a value.
  init(_ name: String, _ value: String, default fallback: String? = nil, _ help: String) {
    (self.name, self.value, self.fallback, self.help) = (name, value, fallback, help)
  }

  /// An option that can be given several times.
  init(repeatable name: String, _ value: String, _ help: String) {
    self.init(name, value, help)
    isRepeatable = true
  }

  /// A switch.
  init(switch name: String, _ help: String) {
    (self.name, value, fallback, self.help) = (name, nil, nil, help)
  }

  /// Writes the result as the last line of standard output.
  static let json = Option(switch: "json", "Print the result as one line of JSON, the last one.")
  /// Reads settings from a file.
  static let config = Option(
    "config", "FILE", "Read settings from a JSON object; options on the command line win.")
  /// Where a model is.
  static let model = Option(
    "model", "DIR", default: "the built-in model", "A Hugging Face folder: the base model.")
  /// How its weights are kept.
  static let precision = Option(
    "precision", "NAME", default: "as the folder has them",
    "How linear weights of the base are kept: float32, bfloat16, int8, or nf4 or fp4 (four bits).")
  /// Where an adapter is.
  static let adapter = Option("adapter", "DIR", "A PEFT adapter folder to put on the base model.")
  /// Reads an adapter that does not fit.
  static let lenient = Option(
    switch: "lenient",
    "Put the adapter on although it is for another base or parts of it do not fit; these are passed over."
  )
  /// Prints the help.
  static let help = Option(switch: "help", "Show this text.")
}

/// What a subcommand says about itself.
struct Usage: Sendable {
  /// The word after `peft`.
  let name: String
  /// One line.
  let summary: String
  /// A paragraph for the help.
  let discussion: String
  /// Its options; `--help` comes by itself.
  let options: [Option]
  /// A command line that works.
  let example: String
  /// The option that a word without dashes is the value of; nil where there is none.
  var positional: String?

  /// The text of `--help`.
  var help: String {
    let rows = (options + [.help]).map { option in
      (
        left: "--\(option.name)" + (option.value.map { " \($0)" } ?? ""),
        right: option.help + (option.fallback.map { " [\($0)]" } ?? "")
      )
    }
    let width = min(26, rows.map(\.left.count).max() ?? 0)
    let table = rows.map { row in
      let lines = row.right.wrapped(to: 76 - width)
      let indent = String(repeating: " ", count: width + 4)
      let first =
        row.left.count <= width
        ? row.left.padded(to: width) + "  " : row.left + "\n" + indent
      return "  " + first + lines.joined(separator: "\n" + indent)
    }
    return """
      \(summary)

      Usage: peft \(name)\(positional.map { " [\($0.uppercased())]" } ?? "") [options]

      \(discussion.wrapped(to: 80).joined(separator: "\n"))

      Options, with their defaults in brackets:
      \(table.joined(separator: "\n"))

      Example:
        \(example)
      """
  }
}
