import PEFTCheckpoints
public import PEFTTensor

/// Scores for the classes from one vector of a row: two maps with an activation between them, or one.
public final class ClassificationHead: Module {
  /// D to D: the pooler of BERT; nil where the family has one map only.
  public let dense: Linear?
  /// D to the classes.
  public let output: Linear
  private let settings: TransformerConfiguration.ClassifierHead
  private let names: TransformerConfiguration.Names

  init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource
  ) throws(CheckpointError) {
    precondition(!configuration.labels.isEmpty, "ClassificationHead: no labels")
    let settings = configuration.classifier ?? .init()
    self.settings = settings
    names = configuration.names
    let (names, width) = (configuration.names, configuration.width)
    func linear(
      _ name: String, _ outputs: Int, bias: Bool = true
    ) throws(CheckpointError) -> Linear {
      let path = Walk.join(names.classifier, name)
      return Linear(
        weight: try source.parameter(
          "\(path).weight", [outputs, width], .normal(configuration.initializerRange)),
        bias: bias ? try source.parameter("\(path).bias", [outputs], .zeros) : nil)
    }
    dense = settings.activation == nil ? nil : try linear(names.classifierDense, width)
    output = try linear(
      names.classifierOutput, configuration.labels.count, bias: settings.hasOutputBias)
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    let last: Members = [names.classifierOutput: output]
    guard let dense else { return last }
    return ([names.classifierDense: dense] as Members).joined(with: last)
  }

  /// `[B, D]` to `[B, C]`.
  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    var inner = x
    if let dense, let activation = settings.activation {
      inner = dense(x.dropped(settings.inputDropout, context.dropout), context)
        .activated(activation)
    }
    return output(inner.dropped(settings.dropout, context.dropout), context)
  }
}
