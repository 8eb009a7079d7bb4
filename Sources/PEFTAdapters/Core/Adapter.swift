internal import PEFTJSON
public import PEFTTensor
public import PEFTTransformer

/// An adapter of any method that is attached to a model.
public final class Adapter: Attachment {
  /// A module of the base and what the adapter does there.
  public struct AdaptedModule {
    /// The module and its path.
    public let site: AdapterSite
    /// What is done there.
    public let layer: any AdapterLayer
    /// The tensors beside the module.
    public let tensors: [AdapterTensor]
  }

  /// A tensor that stands in for a parameter of the base while the adapter is active.
  public struct Copy {
    /// Where it is saved: the path of the parameter, with `base_layer` where its layer is adapted.
    public let key: String
    /// The parameter of the base.
    public let base: Parameter
    /// What stands in for it.
    public let copy: Parameter
    /// Whether it is trained, as `modules_to_save` and biases are; a weight that came with the file, or that the method changes itself, is not.
    public let isTrained: Bool
  }

  /// The name, unique in the model.
  public let name: String
  /// The settings it was made from.
  public let method: any AdapterMethod
  /// The adapted modules, in the order of the model.
  public internal(set) var modules: [AdaptedModule] = []
  /// The tensors that all layers share.
  public internal(set) var sharedTensors: [AdapterTensor] = []
  /// What stands in for parameters of the base; a tied head may share the copy of the embedding.
  public internal(set) var copies: [Copy] = []
  /// What takes part in the training; nil for nothing.
  public internal(set) var controller: (any AdapterController)? {
    didSet { for parameter in parameters { parameter.observer = controller } }
  }
  /// Whether its change stands in the weights of the base at the moment; it is not trained then.
  public var isMerged: Bool { mergeNumber != nil }
  /// Rises in the order in which adapters were merged; nil while it is not.
  var mergeNumber: Int? {
    didSet { updateTraining() }
  }
  /// Whether its parameters are trained while it is active.
  public var isTrainable = true {
    didSet { updateTraining() }
  }
  /// Whether it takes part in the forward pass; change it by `activate` of the model.
  public internal(set) var isActive = false {
    didSet { updateTraining() }
  }
  /// The rows of a batch that it serves while adapters are chosen by row; nil for all.
  var rows: [Int]? {
    didSet { host?.adapters.noteChange() }
  }
  /// What a lenient load passed over; empty for an adapter that was read completely or made new.
  public internal(set) var loadingReport = LoadingReport()

  /// The settings with targets as names or a pattern, as they are saved.
  let spelledOut: any AdapterMethod
  /// The fields of the file that it was loaded from.
  var loadedFields: [JSON.Member] = []
  /// The output that the file it was loaded from tells, and where that is.
  var loadedProbe: (path: String, probe: OutputProbe)?
  /// The adapted embedding and head whose weights are saved beside the adapter.
  var savedBases: [(path: String, parameter: Parameter)] = []
  /// The table of tokens and the head, saved beside the adapter since the folder of the base lacks some of their rows.
  var savedTables: [(path: String, parameter: Parameter)] = []
  /// The model, which owns this through its registry.
  public private(set) weak var host: (any AdapterHost)?

  init(
    name: String, method: any AdapterMethod, spelledOut: any AdapterMethod,
    host: any AdapterHost
  ) {
    (self.name, self.method, self.spelledOut) = (name, method, spelledOut)
    self.host = host
  }

  /// The layers of one kind and their modules.
  public func layers<Layer>(of type: Layer.Type) -> [(site: AdapterSite, layer: Layer)] {
    modules.compactMap { module in (module.layer as? Layer).map { (module.site, $0) } }
  }

  /// The tensors of all layers, and those that they share.
  public var tensors: [AdapterTensor] { sharedTensors + modules.flatMap(\.tensors) }

  /// Every parameter that this adapter trains, each once.
  public var parameters: [Parameter] {
    var seen: Set<ObjectIdentifier> = []
    let own = tensors.filter(\.role.isTrained).map(\.parameter)
    return (own + copies.filter(\.isTrained).map(\.copy)).filter {
      seen.insert(ObjectIdentifier($0)).inserted
    }
  }

  /// How many parameters it trains.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Added to every training loss while it is active.
  public var penalty: Tensor? { isEffective && isTrainable ? controller?.penalty : nil }

  /// Whether its layers and copies take part in the forward pass.
  var isEffective: Bool { isActive && !isMerged }

  private func updateTraining() {
    for parameter in parameters { parameter.isTrainable = isEffective && isTrainable }
    for copy in copies {
      if isEffective {
        copy.base.substitute = copy.copy
      } else if copy.base.substitute === copy.copy {
        copy.base.substitute = nil
      }
    }
  }
}
