/// Which modules of a model are meant, by the rules of Hugging Face PEFT.
public enum Targets: Sendable, Hashable, Codable {
  /// The usual ones of the method in the family; of LoRA `c_attn` of GPT-2, `q_proj` and `v_proj` of the Llama family.
  case attention
  /// Every linear layer but the output head.
  case allLinear
  /// Modules whose whole path, or its end from a dot on, is one of these.
  case names([String])
  /// Modules whose whole path matches a regular expression.
  case pattern(String)
  /// None; for methods that choose by themselves.
  case none
}

/// Which biases of the base are trained.
public enum BiasTraining: String, Sendable, Hashable, Codable, CaseIterable {
  /// None.
  case none
  /// Every one in the model.
  case all
  /// Those of adapted layers.
  case loraOnly = "lora_only"
}

/// What of a model is adapted: targets, minus exclusions, and what is trained as a whole beside them.
public struct ModuleSelection: Sendable, Hashable, Codable {
  /// Which modules are adapted.
  public var targets: Targets
  /// Which of these are not.
  public var excluded: Targets?
  /// The indices of the layers in which modules are adapted; nil for all.
  public var layersToTransform: [Int]?
  /// The names that stand before the index of a layer; empty for any.
  public var layersPattern: [String] = []
  /// The ends of the paths of modules that are trained as a whole, in a copy.
  public var modulesToSave: [String] = []
  /// Whether a tied output head follows a copy of the embedding.
  public var ensuresWeightTying = false
  /// Which biases of the base are trained as well.
  public var bias = BiasTraining.none
  /// Chooses the random numbers of the start; each module draws from its own path, so the order does not matter.
  public var seed: UInt64 = 0

  /// A selection; the other settings have defaults that can be set afterwards.
  public init(_ targets: Targets = .attention) { self.targets = targets }
}

/// What a path is to a selection.
enum SelectionVerdict: Equatable {
  case selected
  case excluded
  /// It stands in a module that is trained as a whole.
  case saved
  case other
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
