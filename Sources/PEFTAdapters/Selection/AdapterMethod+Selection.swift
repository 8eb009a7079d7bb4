/// The parts of the selection, by their own names.
extension AdapterMethod {
  /// Which modules are adapted.
  public var targets: Targets {
    get { selection.targets }
    set { selection.targets = newValue }
  }
  /// Which of these are not.
  public var excluded: Targets? {
    get { selection.excluded }
    set { selection.excluded = newValue }
  }
  /// The indices of the layers in which modules are adapted; nil for all.
  public var layersToTransform: [Int]? {
    get { selection.layersToTransform }
    set { selection.layersToTransform = newValue }
  }
  /// The names that stand before the index of a layer; empty for any.
  public var layersPattern: [String] {
    get { selection.layersPattern }
    set { selection.layersPattern = newValue }
  }
  /// The ends of the paths of modules that are trained as a whole, in a copy.
  public var modulesToSave: [String] {
    get { selection.modulesToSave }
    set { selection.modulesToSave = newValue }
  }
  /// Whether a tied output head follows a copy of the embedding.
  public var ensuresWeightTying: Bool {
    get { selection.ensuresWeightTying }
    set { selection.ensuresWeightTying = newValue }
  }
  /// Which biases of the base are trained as well.
  public var bias: BiasTraining {
    get { selection.bias }
    set { selection.bias = newValue }
  }
  /// Chooses the random numbers of the start; each module draws from its own path, so the order does not matter.
  public var seed: UInt64 {
    get { selection.seed }
    set { selection.seed = newValue }
  }
}
