/// Everything that is wrong with a model or adapter folder, as far as it can be seen without training.
public struct FolderReport: Sendable, Hashable {
  /// What a folder holds.
  public enum Kind: String, Sendable, Hashable {
    /// `config.json` and weights.
    case model
    /// `adapter_config.json` and the tensors of an adapter of PEFT.
    case adapter
    /// The same of MLX.
    case mlxAdapter = "MLX adapter"
    /// Neither.
    case unknown
  }

  /// How bad something is.
  public enum Severity: String, Sendable, Hashable {
    /// It does not load.
    case error
    /// It loads, and may not do what was meant.
    case warning
  }

  /// One thing that is wrong.
  public struct Problem: Sendable, Hashable {
    /// How bad it is.
    public var severity: Severity
    /// What is wrong, with the file.
    public var message: String
  }

  /// What the folder holds.
  public internal(set) var kind: Kind = .unknown
  /// What is wrong, in the order in which it was found.
  public internal(set) var problems: [Problem] = []
  /// What the adapter says it was saved for; nil for a model, and where the file does not say.
  public internal(set) var savedFor: BaseFingerprint?
  /// The fingerprint of the model in the folder, or of the base that an adapter was tried on; nil where none could be opened.
  public internal(set) var base: BaseFingerprint?
  /// The modules that an adapter changes, where it was tried on a base.
  public internal(set) var targets: [String] = []
  /// Whether the output for a probe was compared with that of the time when the adapter was saved.
  public internal(set) var comparedOutput = false

  /// Whether nothing keeps it from loading.
  public var loads: Bool { !problems.contains { $0.severity == .error } }

  mutating func add(_ error: some Error) { add(.error, "\(error)") }

  mutating func add(_ severity: Severity, _ message: String) {
    let problem = Problem(severity: severity, message: message)
    if !problems.contains(problem) { problems.append(problem) }
  }
}
