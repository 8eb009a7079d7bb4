import PEFTTransformer

/// A method that puts virtual tokens before the tokens, and selects no modules but those that are trained as a whole.
public protocol VirtualTokenMethod: AdapterMethod {
  /// Chooses the random numbers of the start.
  var seed: UInt64 { get set }
  /// The ends of the paths of modules that are trained as a whole, as the head of a classifier.
  var modulesToSave: [String] { get set }
}

extension VirtualTokenMethod {
  /// The modules that are trained as a whole, and the seed.
  public var selection: ModuleSelection {
    get {
      var selection = ModuleSelection(.none)
      (selection.seed, selection.modulesToSave) = (seed, modulesToSave)
      return selection
    }
    set { (seed, modulesToSave) = (newValue.seed, newValue.modulesToSave) }
  }
}

extension StoredMethod where Self: VirtualTokenMethod {
  /// One level less than that of other methods, as in PEFT.
  package static var copyPrefix: String { "base_model." }
}
