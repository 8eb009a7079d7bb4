import PEFTCheckpoints
public import PEFTTensor

/// The logits of hidden states: a map with an activation and a norm, then the table of tokens with a bias.
public final class MaskedLMHead: Module {
  /// D to D.
  public let dense: Linear
  /// After it.
  public let norm: Norm
  /// D to V, by the table of tokens where the head is tied.
  public let output: Linear
  private let settings: TransformerConfiguration.MaskedHead
  /// The bias of a tied head is tied as well, and stored by its other name.
  private let biasName: String

  init(
    _ configuration: TransformerConfiguration, _ settings: TransformerConfiguration.MaskedHead,
    tokens: Embedding, from source: any ParameterSource
  ) throws(CheckpointError) {
    self.settings = settings
    let (width, size) = (configuration.width, configuration.vocabularySize)
    let weights = InitialValue.normal(configuration.initializerRange)
    dense = Linear(
      weight: try source.parameter("\(settings.dense).weight", [width, width], weights),
      bias: try source.parameter("\(settings.dense).bias", [width], .zeros))
    norm = Norm(
      weight: try source.parameter("\(settings.norm).weight", [width], .ones),
      bias: try source.parameter("\(settings.norm).bias", [width], .zeros),
      epsilon: configuration.normEpsilon)
    let weight =
      configuration.hasTiedHead
      ? Parameter(tiedTo: tokens.weight)
      : try source.parameter("\(settings.output).weight", [size, width], weights)
    biasName = configuration.hasTiedHead ? settings.bias : "\(settings.output).bias"
    output = Linear(weight: weight, bias: try source.parameter(biasName, [size], .zeros))
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    [settings.dense: dense, settings.norm: norm, biasName: output.bias, settings.output: output]
  }

  /// `[..., D]` to `[..., V]`.
  public func callAsFunction(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    output(norm(dense(x, context).activated(settings.activation)), context)
  }
}
