/// How strictly an adapter folder is read.
public enum LoadingMode: Sendable, Hashable {
  /// Anything missing, unexpected, misshapen or ignored is an error.
  case strict
  /// It is reported instead; `Adapter.loadingReport` has the list.
  case lenient
}

/// How the tensors of an adapter file differ from what its configuration says.
public struct LoadingReport: Sendable, Hashable {
  /// A tensor of another shape than the model and the configuration ask for.
  public struct Misshapen: Sendable, Hashable {
    /// Its name in the file.
    public var tensor: String
    /// The shape that was asked for.
    public var expected: [Int]
    /// The shape in the file.
    public var found: [Int]
  }

  /// Tensors that the adapter has and the file lacks; they keep their initial values.
  public var missing: [String] = []
  /// Tensors in the file that the adapter has no place for.
  public var unexpected: [String] = []
  /// Tensors in the file that do not fit; the adapter's keep their initial values.
  public var misshapen: [Misshapen] = []
  /// Fields of the configuration that were not read.
  public var ignoredFields: [String] = []

  /// Why the model is not the base that the adapter was saved for; nil where it may be, or where the file does not say.
  public var otherBase: String?

  /// A report of nothing.
  public init() {}

  /// Takes in what another file lacks or has too much.
  mutating func add(_ other: LoadingReport) {
    missing += other.missing
    unexpected += other.unexpected
    misshapen += other.misshapen
  }

  /// Whether everything was read.
  public var isEmpty: Bool {
    missing.isEmpty && unexpected.isEmpty && misshapen.isEmpty && ignoredFields.isEmpty
      && otherBase == nil
  }
}

extension LoadingReport: CustomStringConvertible {
  /// Everything that does not fit, by kind.
  public var description: String {
    var parts: [String] = []
    if !missing.isEmpty { parts.append("\(missing.count) missing: \(Self.list(missing))") }
    if !unexpected.isEmpty {
      parts.append("\(unexpected.count) unexpected: \(Self.list(unexpected))")
    }
    if !misshapen.isEmpty {
      let shapes = misshapen.map { "\($0.tensor) is \($0.found), expected \($0.expected)" }
      parts.append(
        "\(shapes.count) of another shape, so this is probably not the base that it was made for: "
          + Self.list(shapes))
    }
    if !ignoredFields.isEmpty { parts.append("fields not read: \(Self.list(ignoredFields))") }
    if let otherBase { parts.append("another base: \(otherBase)") }
    return parts.joined(separator: "; ")
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(4).joined(separator: ", ")
      + (names.count > 4 ? " and \(names.count - 4) more" : "")
  }
}
