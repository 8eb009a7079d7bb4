public import PEFTCheckpoints
public import PEFTTensor

/// A model that says to which of some classes a picture belongs.
///
/// Module paths are those of Hugging Face's `ViTForImageClassification` in memory, which adapters are named by. As in PEFT, an adapter trains the
/// head of the folder only where its `modulesToSave` name `classifier`; a new one it always trains, since nothing else saves it. A model is used from one isolation at a time.
public final class ImageClassifier: PretrainedModel {
  /// What the model was built from.
  public let configuration: TransformerConfiguration
  /// The part below the head.
  public let encoder: ImageEncoder
  /// From the class token to the classes.
  public let head: Linear
  /// Where the checkpoint came from; nil for a new model.
  public internal(set) var origin: ModelOrigin?
  /// What is attached.
  public let adapters = AdapterRegistry()
  /// Draws the masks of dropout while a loss is computed for training.
  public var dropoutKeys = DropoutKeys(seed: 0)

  /// Builds a model whose parameters come from `source`.
  ///
  /// - Parameters:
  ///   - configuration: of a model that reads pictures, with the labels of the classes.
  ///   - source: random numbers or a checkpoint.
  ///   - precision: how frozen weights of linear layers below the head are kept; nil for as the source has them.
  /// - Throws: `CheckpointError` where the source lacks a parameter or has it in another shape.
  public init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource,
    precision: Precision? = nil
  ) throws(CheckpointError) {
    precondition(!configuration.labels.isEmpty, "ImageClassifier: no labels")
    self.configuration = configuration
    encoder = try ImageEncoder(configuration, from: source, precision: precision)
    let (name, classes) = (configuration.names.classifierOutput, configuration.labels.count)
    head = Linear(
      weight: try source.parameter(
        "\(name).weight", [classes, configuration.width], .normal(configuration.initializerRange)),
      bias: try source.parameter("\(name).bias", [classes], .zeros))
  }

  /// `ViTForImageClassification`.
  public var architecture: String? { configuration.className + "ForImageClassification" }

  /// The head, small and mostly trained as a whole, stays float32.
  public func precision(of layer: Linear, _ wanted: Precision) -> Precision {
    layer === head ? .float32 : wanted
  }

  /// Computes the inside of every block again in the backward pass instead of keeping it.
  public var checkpointsActivations: Bool {
    get { encoder.checkpointsActivations }
    set { encoder.checkpointsActivations = newValue }
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    [configuration.names.body: encoder, configuration.names.classifierOutput: head]
  }

  /// The score of every class, before a softmax.
  ///
  /// Stops the program where `check` throws.
  ///
  /// - Parameter pixels: pictures.
  /// - Returns: `[B, C]`.
  public func callAsFunction(_ pixels: PixelBatch) -> Tensor { logits(pixels, dropout: nil) }

  /// The same, with dropout in training.
  func logits(_ pixels: PixelBatch, dropout: DropoutKeys?) -> Tensor {
    let (states, context) = encoder.classStates(pixels, dropout: dropout)
    return head(states, context)
  }

  /// The scores of a fixed picture.
  public func probeOutput() -> Tensor {
    withoutGradients { self(configuration.probePixels) }
  }
}
