public import PEFTTensor

/// A model in the layout of a Hugging Face folder, of whatever task.
public protocol PretrainedModel: AdapterHost {
  /// What the model was built from.
  var configuration: TransformerConfiguration { get }
  /// Where the checkpoint came from, as its configuration file; nil for a new model.
  var origin: ModelOrigin? { get }
  /// Draws the masks of dropout and the noise on embeddings while a loss is computed for training.
  var dropoutKeys: DropoutKeys { get }
  /// Computes the inside of every block again in the backward pass instead of keeping it: less memory for one more forward pass.
  ///
  /// "Training Deep Nets with Sublinear Memory Cost" (arXiv 1604.06174). Losses and gradients are the same to the bit.
  var checkpointsActivations: Bool { get set }
  /// Its class in Transformers, where that does not follow from the configuration alone.
  var architecture: String? { get }
  /// In which precision a linear layer is kept where all of the model is asked for one.
  func precision(of layer: Linear, _ wanted: Precision) -> Precision
}

extension PretrainedModel {
  /// The family.
  public var modelType: String { configuration.modelType }
  /// The other names that the family has for its modules.
  public var aliases: PathAliases { configuration.names.aliases }
  /// The folder it was loaded from.
  public var folder: String? { origin?.folder }
  /// The one that the configuration says.
  public var architecture: String? { nil }

  /// Keeps the frozen weights of all linear layers in a precision from now on.
  ///
  /// With four or eight bits the output head of a language model, which quantisation harms most, is kept in bfloat16; the head of a classifier is always
  /// kept in float32. Going back to float32 does not bring back what was rounded. Weights that are trainable stay as they are.
  public func store(as precision: Precision) {
    for (_, module) in walk(includingAdapters: false).modules {
      guard let layer = module as? Linear else { continue }
      layer.store(as: self.precision(of: layer, precision))
    }
  }
}

extension TransformerConfiguration {
  /// Up to sixteen fixed tokens, as many as there are positions for: `[1, T]`.
  func probeTokens(_ virtual: VirtualTokens) -> Indices {
    let count = min(16, max(1, usablePositions - virtual.count))
    let ids = (0..<count).map { Int32(($0 * 7919 + 1) % vocabularySize) }
    return Indices(ids, shape: [1, count])
  }
}
