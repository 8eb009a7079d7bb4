import PEFTCheckpoints
public import PEFTTensor

/// Scores for the classes from the hidden state of the first token: two maps with an activation between them.
public final class ClassificationHead: Module {
  /// D to D: the pooler of BERT.
  public let dense: Linear
  /// D to the classes.
  public let output: Linear
  private let settings: TransformerConfiguration.ClassifierHead
  private let names: TransformerConfiguration.Names

  init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource
  ) throws(CheckpointError) {
    precondition(!configuration.labels.isEmpty, "ClassificationHead: no labels")
    settings = configuration.classifier ?? .init(activation: .tanh)
    names = configuration.names
    let (names, width) = (configuration.names, configuration.width)
    func linear(_ name: String, _ outputs: Int) throws(CheckpointError) -> Linear {
      let path = Walk.join(names.classifier, name)
      return Linear(
        weight: try source.parameter(
          "\(path).weight", [outputs, width], .normal(configuration.initializerRange)),
        bias: try source.parameter("\(path).bias", [outputs], .zeros))
    }
    dense = try linear(names.classifierDense, width)
    output = try linear(names.classifierOutput, configuration.labels.count)
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    [names.classifierDense: dense, names.classifierOutput: output]
  }

  /// `[B, D]` to `[B, C]`.
  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    let input = x.dropped(settings.inputDropout, context.dropout)
    let inner = dense(input, context).activated(settings.activation)
    return output(inner.dropped(settings.dropout, context.dropout), context)
  }
}
