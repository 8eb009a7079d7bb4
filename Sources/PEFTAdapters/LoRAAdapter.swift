public import PEFTTensor
public import PEFTTransformer

/// LoRA that is attached to a model.
public final class LoRAAdapter: Attachment {
  /// The name, unique in the model.
  public let name: String
  /// The settings it was made from.
  public let configuration: LoRA
  /// The adapted linear layers and their matrices, in the order of the model.
  public internal(set) var layers: [(path: String, base: Linear, layer: LoRALayer)] = []
  /// The adapted embeddings and their matrices.
  public internal(set) var embeddings:
    [(path: String, base: Embedding, layer: LoRAEmbeddingLayer)] = []
  /// Copies of parameters of the base that stand in for them: `modules_to_save` and biases.
  public internal(set) var copies: [(key: String, base: Parameter, copy: Parameter)] = []
  /// Whether its change stands in the weights of the base at the moment.
  public internal(set) var isMerged = false
  /// Whether its parameters are trained while it is active.
  public var isTrainable = true {
    didSet { updateTraining() }
  }
  /// Whether it takes part in the forward pass; change it by `activate` of the model.
  public internal(set) var isActive = false {
    didSet { updateTraining() }
  }
  let host: any AdapterHost

  init(name: String, configuration: LoRA, host: any AdapterHost) {
    (self.name, self.configuration, self.host) = (name, configuration, host)
  }

  /// Every parameter of this adapter.
  public var parameters: [Parameter] {
    layers.flatMap { [$0.layer.a, $0.layer.b] + ($0.layer.bias.map { [$0] } ?? []) }
      + embeddings.flatMap { [$0.layer.a, $0.layer.b] } + copies.map(\.copy)
  }

  /// How many parameters it trains.
  public var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }

  private func updateTraining() {
    for parameter in parameters { parameter.isTrainable = isActive && isTrainable }
    for (_, base, copy) in copies {
      if isActive && !isMerged {
        base.substitute = copy
      } else if base.substitute === copy {
        base.substitute = nil
      }
    }
  }

  /// Puts the state of the merge into effect.
  func setMerged(_ merged: Bool) {
    isMerged = merged
    updateTraining()
  }
}
