import PEFTCheckpoints
import PEFTTensor

/// A stack of blocks over the patches of a picture, in which every one sees all others: ViT below its head.
public final class ImageEncoder: PromptTarget {
  /// Makes a sequence of a picture.
  public let embeddings: ImageEmbeddings
  /// The blocks, the lowest first.
  public let layers: [Block]
  /// After the last block.
  public let norm: Norm
  /// What puts embeddings before the class token.
  public var adapter: (any PromptAdapter)?
  /// Computes the inside of every block again in the backward pass instead of keeping it.
  public var checkpointsActivations = false
  /// Whether pictures may have another size, a multiple of that of the patches; positions are interpolated for it then.
  public var interpolatesPositions = false
  private let configuration: TransformerConfiguration

  init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource,
    precision: Precision?
  ) throws(CheckpointError) {
    guard let images = configuration.images else {
      preconditionFailure("ImageEncoder: \(configuration.modelType) reads no pictures")
    }
    let builder = TransformerBuilder(configuration, source, precision)
    self.configuration = configuration
    embeddings = try ImageEmbeddings(configuration, images, from: source)
    layers = try builder.blocks()
    norm = try builder.norm(configuration.names.finalNorm)
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    let names = configuration.names
    return [
      names.positions: embeddings, "": SlotMember(adapter), names.layers: layers,
      names.finalNorm: norm,
    ]
  }

  /// There are no tokens.
  public var vocabulary: Embedding? { nil }
  /// D.
  public var width: Int { configuration.width }

  /// The hidden states after the last block, before the norm.
  ///
  /// Stops the program where `check` of the model throws.
  ///
  /// - Parameters:
  ///   - pixels: pictures.
  ///   - dropout: draws the masks of dropout; nil outside training.
  /// - Returns: `[B, P + 1 + patches, D]` with the places of a prompt, which have no positions, before each sequence; and the context.
  func states(
    _ pixels: PixelBatch, dropout: DropoutKeys?
  ) -> (states: Tensor, context: ForwardContext) {
    do throws(ModelError) {
      try configuration.check(pixels, interpolates: interpolatesPositions)
    } catch { preconditionFailure("\(configuration.modelType): \(error)") }
    let sequence = embeddings(pixels.tensor)
    let length = sequence.shape[1] + virtual.prompt
    let rows = (0..<pixels.count).map { $0 * length..<($0 + 1) * length }
    var context = ForwardContext(
      visible: .rows(
        Array(repeating: 0..<length, count: pixels.count), queries: length, past: 0),
      positions: Indices([], shape: [pixels.count, 0]), dropout: dropout, sequenceLength: length,
      virtual: virtual)
    context.rows = rows
    let x = prompted(sequence, context).dropped(configuration.dropout.embedding, dropout)
    return (layers(x, context, checkpointsActivations: checkpointsActivations), context)
  }

  /// The hidden states of the class tokens after the norm, `[B, D]`.
  func classStates(
    _ pixels: PixelBatch, dropout: DropoutKeys?
  ) -> (states: Tensor, context: ForwardContext) {
    let (states, context) = states(pixels, dropout: dropout)
    let places = Indices(context.rows.map { Int32($0.lowerBound + context.virtual.prompt) })
    return (norm(states.matrix.rows(at: places)), context.choosing(places))
  }
}
