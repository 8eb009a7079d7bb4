public import PEFTCheckpoints
public import PEFTTensor

/// A language model that predicts the next token: a decoder and an output head.
///
/// Module paths are those of Hugging Face checkpoints of the family, so that names in adapter folders mean the same here.
/// A model is used from one isolation at a time.
public final class CausalLM: TextModel {
  /// What the model was built from, or was changed to.
  public internal(set) var configuration: TransformerConfiguration
  /// The part below the head.
  public let decoder: Decoder
  /// D to V.
  public let head: Linear
  /// Where the checkpoint came from, as its configuration file; nil for a new model.
  public internal(set) var origin: ModelOrigin?
  /// How many tokens there are beyond those of the folder that it was loaded from.
  public internal(set) var addedTokenCount = 0
  /// What is attached.
  public let adapters = AdapterRegistry()
  /// Draws the masks of dropout while a loss is computed for training.
  public var dropoutKeys = DropoutKeys(seed: 0)

  /// Builds a model whose parameters come from `source`.
  ///
  /// - Parameters:
  ///   - configuration: sizes and kinds.
  ///   - source: random numbers or a checkpoint.
  ///   - precision: how frozen weights of linear layers are kept; nil for as the source has them. Weights that are trainable stay
  ///     float32.
  /// - Throws: `CheckpointError` where the source lacks a parameter or has it in another shape.
  public init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource,
    precision: Precision? = nil
  ) throws(CheckpointError) {
    self.configuration = configuration
    decoder = try Decoder(configuration, from: source, precision: precision)
    let weight: Parameter
    if configuration.hasTiedHead {
      weight = Parameter(tiedTo: decoder.tokens.weight)
    } else {
      weight = try source.parameter(
        "\(configuration.names.head).weight",
        [configuration.vocabularySize, configuration.width],
        .normal(configuration.initializerRange))
    }
    head = Linear(weight: weight)
    if let precision { head.store(as: self.precision(of: head, precision)) }
  }

  /// The head is not quantised, as in bitsandbytes: with four or eight bits it is bfloat16.
  public func precision(of layer: Linear, _ wanted: Precision) -> Precision {
    layer === head && wanted.isQuantized ? .bfloat16 : wanted
  }

  /// `CAUSAL_LM`.
  public var taskType: String? { "CAUSAL_LM" }
  /// The head.
  public var outputHead: Linear? { head }
  /// The part below the head.
  public var body: any PromptedStack { decoder }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    [configuration.names.body: decoder, configuration.names.head: head]
  }

  /// The logits of every position.
  ///
  /// Stops the program where `check(_:keys:)` throws. With dynamic rotary scaling the length T, padding included, is what
  /// counts for all rows, as in Transformers.
  ///
  /// - Parameters:
  ///   - ids: `[B, T]`, each in `0..<V`.
  ///   - keys: which tokens of each row are no padding; nil for all.
  /// - Returns: `[B, T, V]`.
  public func callAsFunction(_ ids: Indices, keys: [Range<Int>]? = nil) -> Tensor {
    let context = ForwardContext(
      configuration, ids, keys: keys ?? ids.everything, dropout: nil, virtual: decoder.virtual)
    let hidden = decoder(ids, context)
    let prompt = context.virtual.prompt
    if prompt == 0 { return logits(hidden, context) }
    let (length, starts) = (ids.shape[1] + prompt, context.visible.starts)
    let places = starts.enumerated().flatMap { row, start in
      (row * length..<(row + 1) * length).filter { $0 < start || $0 >= start + prompt }
    }
    return logits(
      hidden.matrix.rows(at: Indices(places.map(Int32.init), shape: ids.shape)), context)
  }

  /// Final norm and head of hidden states: `[..., D]` gives `[..., V]`.
  func logits(_ hidden: Tensor, _ context: ForwardContext) -> Tensor {
    head(decoder.norm(hidden), context)
  }

  /// The logits of sixteen fixed tokens, or of as many as the model has positions for.
  public func probeOutput() -> Tensor {
    withoutGradients { self(configuration.probeTokens(decoder.virtual)) }
  }
}
