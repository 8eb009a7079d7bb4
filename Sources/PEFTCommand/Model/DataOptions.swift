import PEFTTraining

/// How data files are read, from the options of a command.
struct DataOptions {
  /// What a file is told about itself.
  let settings: DataFormat.Settings
  /// What it calls the columns that rows have under other names.
  let names: [String: String]
  /// What becomes of a bad row.
  let badRows: BadRows
  /// Which turns of conversations are learned; nil where nothing is said of them.
  let learnedTurns: LearnedTurns?

  /// The options they are read from.
  static let options: [Option] = [
    Option(
      "columns", "LIST",
      "The columns of a CSV or TSV file whose first row does not name them, between commas."),
    Option(
      repeatable: "field", "NAME=COLUMN",
      "Read the column or member COLUMN as prompt, completion, text, label or another; can be repeated."
    ),
    Option(
      "separator", "TEXT", default: "<|endoftext|>",
      "What stands between the texts of a plain file; blank-line for one or more blank lines."),
    Option(switch: "skip-bad-rows", "Count rows that are not as expected, and leave them out."),
    Option(
      "learn", "ROLES", default: "assistant",
      "Whose messages of conversations are learned, roles between commas; a message with \"weight\" 0 is not, and one with 1 is."
    ),
    Option(
      switch: "learn-last", "Of these messages only the last in each conversation is learned."),
  ]

  /// Reads the options.
  init(_ arguments: Arguments) throws(CommandError) {
    let separator = arguments.string("separator") ?? TokenizerFile.separator
    if separator.isEmpty { throw arguments.invalid("separator", expected: "a text") }
    let columns = arguments.list("columns")
    if let columns, Set(columns.map { Array($0.utf8) }).count < columns.count {
      throw arguments.invalid("columns", expected: "names between commas, each once")
    }
    settings = DataFormat.Settings(
      columns: columns, separator: separator == "blank-line" ? nil : separator)
    badRows = arguments.isOn("skip-bad-rows") ? .skip : .fail
    let roles = arguments.list("learn")
    if let roles, roles.isEmpty {
      throw arguments.invalid("learn", expected: "roles between commas")
    }
    let isOnlyLast = arguments.isOn("learn-last")
    learnedTurns =
      roles == nil && !isOnlyLast
      ? nil : LearnedTurns(roles: Set(roles ?? ["assistant"]), isOnlyLast: isOnlyLast)
    var names: [String: String] = [:]
    for text in arguments.texts("field") {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, names[parts[0]] == nil else {
        throw .invalidValue(option: "field", value: text, expected: "NAME=COLUMN, a name once")
      }
      names[parts[0]] = parts[1]
    }
    self.names = names
  }

  /// Refuses what a classifier has no use for.
  func requireNoConversations() throws(CommandError) {
    if let learnedTurns {
      throw .conflict(
        "task sequence-classification", learnedTurns.isOnlyLast ? "learn-last" : "learn")
    }
  }

  /// Says how many bad rows were left out of a file.
  static func report(_ path: String, bad count: Int, first: String?) {
    guard count > 0 else { return }
    Console.error(
      "\(path): \(count) bad \(count == 1 ? "row is" : "rows are") left out"
        + (first.map { "; the first: \($0)" } ?? ""))
  }
}
