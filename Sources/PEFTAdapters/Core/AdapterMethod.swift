internal import PEFTJSON
public import PEFTTensor
public import PEFTTransformer

/// The settings of a way to adapt a model, from which adapters are attached.
///
/// A method says what it keeps beside a selected module; attaching, switching, merging, saving and loading are the same for all.
public protocol AdapterMethod: Sendable {
  /// The name of the method in adapter files: `peft_type` of Hugging Face PEFT where it has the method.
  static var type: String { get }

  /// Which modules are adapted, and what of the base is trained as a whole beside them.
  var selection: ModuleSelection { get set }

  /// The modules that `.attention` means in a model.
  ///
  /// - Parameter host: the model.
  /// - Returns: ends of paths, or whole paths; nil where the family has no usual ones.
  func usualTargets(_ host: any AdapterHost) -> [String]?

  /// Refuses settings that make no sense, before anything is selected.
  ///
  /// - Throws: `AdapterError.invalidSetting`.
  func checkSettings() throws(AdapterError)

  /// Whether a module is adapted though no target names it, as by methods that choose by themselves.
  func adapts(_ module: any Module) -> Bool

  /// The same, where it depends on the place in the model.
  func adapts(_ site: AdapterSite) -> Bool

  /// What the method keeps beside one module, before anything is made.
  ///
  /// - Parameter site: the module and its path.
  /// - Returns: the shapes of the tensors, how they start and how the layer is made of them.
  /// - Throws: `AdapterError.notAdaptable` for a module of a kind that the method cannot adapt.
  func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint

  /// What all layers of the adapter have in common.
  ///
  /// - Parameters:
  ///   - sites: the modules that are adapted.
  ///   - host: the model.
  /// - Returns: tensors by their whole name in a file, and how they start; nil for nothing.
  /// - Throws: `AdapterError` where the model does not fit.
  func sharedTensors(
    _ sites: [AdapterSite], _ host: any AdapterHost
  ) throws(AdapterError) -> TensorsBlueprint?

  /// Refuses entries of the method's own settings that select nothing.
  ///
  /// - Parameter paths: of the modules that are adapted.
  /// - Throws: `AdapterError.deadPatterns`.
  func checkEntries(_ paths: [String]) throws(AdapterError)

  /// What takes part in the training of an adapter beside its gradients; nil for nothing.
  func controller(_ adapter: Adapter) -> (any AdapterController)?
}

extension AdapterMethod {
  /// Those of LoRA: `c_attn` of GPT-2, `q_proj` and `v_proj` of the Llama family.
  public func usualTargets(_ host: any AdapterHost) -> [String]? {
    Targets.usual(for: host.modelType)
  }
  /// Accepts everything.
  public func checkSettings() throws(AdapterError) {}
  /// Only what the targets name.
  public func adapts(_ module: any Module) -> Bool { false }
  /// By the module alone.
  public func adapts(_ site: AdapterSite) -> Bool { adapts(site.module) }
  /// Nothing.
  public func sharedTensors(
    _ sites: [AdapterSite], _ host: any AdapterHost
  ) throws(AdapterError) -> TensorsBlueprint? { nil }
  /// There are no entries.
  public func checkEntries(_ paths: [String]) throws(AdapterError) {}
  /// Nothing.
  public func controller(_ adapter: Adapter) -> (any AdapterController)? { nil }
}

/// A module of the base and where it stands.
public struct AdapterSite {
  /// The path of the module in the model.
  public let path: String
  /// The module.
  public let module: any Module
  /// The model.
  public unowned let host: any AdapterHost

  /// The module as a linear layer; nil for another kind.
  public var linear: Linear? { module as? Linear }
  /// The module as an embedding; nil for another kind.
  public var embedding: Embedding? { module as? Embedding }
}

/// The part of an adapter that acts around every change that an optimiser makes to it.
///
/// It is called by the optimiser itself, so that no training loop can forget it.
public protocol AdapterController: ParameterObserver {
  /// Added to every training loss; nil for nothing.
  var penalty: Tensor? { get }
  /// What must be kept beside the tensors of the adapter to continue a training to the bit.
  var state: [String: Tensor] { get }
  /// Takes over what `state` gave.
  ///
  /// - Parameter state: of an adapter with the same settings.
  /// - Throws: `AdapterError.invalidSetting` where it does not fit; nothing is changed then.
  func restore(_ state: [String: Tensor]) throws(AdapterError)
}

extension AdapterController {
  /// Nothing.
  public var penalty: Tensor? { nil }
  /// Nothing.
  public var state: [String: Tensor] { [:] }
  /// Accepts nothing but nothing.
  public func restore(_ state: [String: Tensor]) throws(AdapterError) {
    guard let name = state.keys.min() else { return }
    throw .invalidSetting("state", expected: "nothing", found: name)
  }
}
