public import PEFTCheckpoints
public import PEFTTensor

/// A model that says to which of some classes a row of tokens belongs.
///
/// Module paths are those of Hugging Face's `BertForSequenceClassification`, `GPT2ForSequenceClassification` and their like. As in PEFT, an adapter trains a
/// whole copy of the head beside what it adapts. A model is used from one isolation at a time.
public final class SequenceClassifier: TextModel {
  /// What the model was built from.
  public let configuration: TransformerConfiguration
  /// The part below the head: an encoder or a decoder.
  public let body: any PromptedStack
  /// From one vector of a row to the classes.
  public let head: ClassificationHead
  /// Which hidden states the head sees: in an encoder those of the first token, in a decoder those of the last.
  public let pooling: SequencePooling
  /// Where the checkpoint came from; nil for a new model.
  public internal(set) var origin: ModelOrigin?
  /// What is attached.
  public let adapters = AdapterRegistry()
  /// Draws the masks of dropout while a loss is computed for training.
  public var dropoutKeys = DropoutKeys(seed: 0)

  /// Builds a model whose parameters come from `source`.
  ///
  /// - Parameters:
  ///   - configuration: with the labels of the classes.
  ///   - source: random numbers or a checkpoint.
  ///   - precision: how frozen weights of linear layers below the head are kept; nil for as the source has them.
  /// - Throws: `CheckpointError` where the source lacks a parameter or has it in another shape.
  public init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource,
    precision: Precision? = nil
  ) throws(CheckpointError) {
    self.configuration = configuration
    body =
      configuration.isCausal
      ? try Decoder(configuration, from: source, precision: precision)
      : try Encoder(configuration, from: source, precision: precision)
    head = try ClassificationHead(configuration, from: source)
    pooling = configuration.classifier?.pooling ?? .firstToken
  }

  /// `SEQ_CLS`.
  public var taskType: String? { "SEQ_CLS" }
  /// The class in Transformers.
  public var architecture: String? { configuration.className + "ForSequenceClassification" }
  /// The last map.
  public var outputHead: Linear? { head.output }

  /// The head, small and mostly trained as a whole, stays float32.
  public func precision(of layer: Linear, _ wanted: Precision) -> Precision {
    layer === head.dense || layer === head.output ? .float32 : wanted
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    [configuration.names.body: body, configuration.names.classifier: head]
  }

  /// The score of every class, before a softmax.
  ///
  /// Nothing is computed for padding. Stops the program where `check` throws.
  ///
  /// - Parameter rows: tokens.
  /// - Returns: `[B, C]`.
  public func callAsFunction(_ rows: TokenRows) -> Tensor { logits(rows, dropout: nil) }

  /// The same, with dropout in training.
  func logits(_ rows: TokenRows, dropout: DropoutKeys?) -> Tensor {
    let hidden = body.states(rows, configuration, dropout: dropout)
    let (vectors, context) = pooling(hidden, body.finished)
    return head(vectors, context)
  }

  /// The scores of some fixed tokens.
  public func probeOutput() -> Tensor {
    withoutGradients { self(TokenRows(ids: configuration.probeTokens(body.virtual))) }
  }
}
