/// A format of data files that file names and commands know.
public struct DataFormat: Sendable {
  /// What a reader of a file can be told about it.
  public struct Settings: Sendable, Hashable {
    /// The names of the columns, for a CSV or TSV file whose first row does not name them.
    public var columns: [String]?
    /// What stands between the texts of a plain file; nil for blank lines.
    public var separator: String?

    /// Settings from their parts.
    public init(columns: [String]? = nil, separator: String? = nil) {
      (self.columns, self.separator) = (columns, separator)
    }
  }

  /// What it is called.
  public let name: String
  /// How the names of its files end, without the dot, in small letters.
  public let suffixes: [String]
  /// The file at a path.
  public let open: @Sendable (_ path: String, _ settings: Settings) -> any DataSource

  /// A format from its parts.
  public init(
    _ name: String, suffixes: [String],
    open: @escaping @Sendable (_ path: String, _ settings: Settings) -> any DataSource
  ) {
    (self.name, self.suffixes, self.open) = (name, suffixes, open)
  }

  /// Every format; plain text, which any other file is taken for, is the last.
  public static let all = [
    DataFormat("jsonl", suffixes: ["jsonl", "ndjson"]) { path, _ in JSONLines(path: path) },
    DataFormat("json", suffixes: ["json"]) { path, _ in JSONArrayFile(path: path) },
    DataFormat("csv", suffixes: ["csv"]) { path, settings in
      DelimitedText.csv(path: path, columns: settings.columns)
    },
    DataFormat("tsv", suffixes: ["tsv", "tab"]) { path, settings in
      DelimitedText.tsv(path: path, columns: settings.columns)
    },
    DataFormat("text", suffixes: ["txt"]) { path, settings in
      PlainText(
        path: path, border: settings.separator.map { .separator($0) } ?? .blankLine)
    },
  ]

  /// The format of this name; nil where there is none.
  public static func named(_ name: String) -> DataFormat? { all.first { $0.name == name } }

  /// The format that the name of a file tells; plain text for any other.
  public static func of(path: String) -> DataFormat {
    let suffix = path.lowercased().split(separator: ".").last.map(String.init) ?? ""
    return all.first { $0.suffixes.contains(suffix) } ?? all[all.count - 1]
  }

  /// The records of a file, in the format that its name tells.
  public static func source(_ path: String, _ settings: Settings = Settings()) -> any DataSource {
    of(path: path).open(path, settings)
  }
}
