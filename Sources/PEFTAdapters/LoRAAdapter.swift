internal import PEFTJSON
public import PEFTTensor
public import PEFTTransformer

/// LoRA that is attached to a model.
public final class LoRAAdapter: Attachment {
  /// A tensor that stands in for a parameter of the base while the adapter is active.
  public struct Copy {
    /// Where it is saved: the path of the parameter, with `base_layer` where its layer is adapted.
    public let key: String
    /// The parameter of the base.
    public let base: Parameter
    /// What stands in for it.
    public let copy: Parameter
    /// Whether it is trained, as `modules_to_save` and biases are; a weight that came with the file is not.
    public let isTrained: Bool
  }

  /// The name, unique in the model.
  public let name: String
  /// The settings it was made from.
  public let configuration: LoRA
  /// The adapted linear layers and their matrices, in the order of the model.
  public internal(set) var layers: [(path: String, base: Linear, layer: LoRALayer)] = []
  /// The adapted embeddings and their matrices.
  public internal(set) var embeddings:
    [(path: String, base: Embedding, layer: LoRAEmbeddingLayer)] = []
  /// What stands in for parameters of the base; a tied head may share the copy of the embedding.
  public internal(set) var copies: [Copy] = []
  /// Whether its change stands in the weights of the base at the moment; it is not trained then.
  public internal(set) var isMerged = false {
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
  /// What a lenient load passed over; empty for an adapter that was read completely or made new.
  public internal(set) var loadingReport = LoadingReport()

  /// The settings with targets as names or a pattern, as they are saved.
  let spelledOut: LoRA
  /// The fields of the file that it was loaded from.
  var loadedFields: [JSON.Member] = []
  /// The adapted embedding and head whose weights are saved beside the adapter.
  var savedBases: [(path: String, parameter: Parameter)] = []
  /// The model, which owns this through its registry.
  private(set) weak var host: (any AdapterHost)?

  init(name: String, configuration: LoRA, spelledOut: LoRA, host: any AdapterHost) {
    (self.name, self.configuration, self.spelledOut) = (name, configuration, spelledOut)
    self.host = host
  }

  /// Every parameter that this adapter trains, each once.
  public var parameters: [Parameter] {
    var seen: Set<ObjectIdentifier> = []
    return trainedTensors.map(\.parameter).filter { seen.insert(ObjectIdentifier($0)).inserted }
  }

  /// How many parameters it trains.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Whether its branches and copies take part in the forward pass.
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
