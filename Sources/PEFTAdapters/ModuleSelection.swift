/// Which modules of a model are meant, by the rules of Hugging Face PEFT.
public enum Targets: Sendable, Hashable {
  /// The usual ones of the family: `c_attn` of GPT-2, `q_proj` and `v_proj` of the Llama family.
  case attention
  /// Every linear layer but the output head.
  case allLinear
  /// Modules whose whole path, or its end from a dot on, is one of these.
  case names([String])
  /// Modules whose whole path matches a regular expression.
  case pattern(String)
}

/// A choice of modules: targets, minus exclusions, minus what is saved as a whole.
struct ModuleSelection: Sendable, Hashable {
  var targets: Targets
  var excluded: Targets?
  var layers: [Int]?
  var layersPatterns: [String] = []
  var modulesToSave: [String] = []

  /// What a path is to this selection.
  enum Verdict: Equatable {
    case selected
    case excluded
    /// It stands in a module that is trained as a whole.
    case saved
    case other
  }
}

/// A value for the modules that a pattern matches; the first pattern that matches counts.
public struct PatternValue<Value: Sendable & Hashable>: Sendable, Hashable {
  /// A regular expression for the end of a path, from a dot or its beginning on; `^` pins the beginning.
  public var pattern: String
  /// What holds for the modules that match.
  public var value: Value

  /// Joins a pattern and a value.
  public init(_ pattern: String, _ value: Value) {
    (self.pattern, self.value) = (pattern, value)
  }
}
