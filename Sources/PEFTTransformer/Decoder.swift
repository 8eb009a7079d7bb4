import PEFTCheckpoints
public import PEFTTensor

/// A stack of blocks between embeddings and a final norm: the part of a language model below its head.
public final class Decoder: PromptedStack {
  /// The table of tokens.
  public let tokens: Embedding
  /// The table of positions; nil where positions are rotary.
  public let positions: Embedding?
  /// The blocks, the lowest first.
  public let layers: [Block]
  /// After the last block.
  public let norm: Norm
  /// What puts embeddings before those of the tokens.
  public var adapter: (any PromptAdapter)?
  /// Computes the inside of every block again in the backward pass instead of keeping it.
  public var checkpointsActivations = false
  /// The strength of the noise on the embeddings of the tokens in training, alpha of NEFTune; nil for none.
  public var embeddingNoise: Double?
  private let embeddingDropout: Float
  private let names: TransformerConfiguration.Names

  init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource,
    precision: Precision?
  ) throws(CheckpointError) {
    let builder = TransformerBuilder(configuration, source, precision)
    names = configuration.names
    tokens = try builder.tokens()
    positions = try builder.positions()
    layers = try builder.blocks()
    norm = try builder.norm(names.finalNorm)
    embeddingDropout = configuration.dropout.embedding
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    var members: Members = [names.tokens: tokens]
    if let positions { members = members.joined(with: [names.positions: positions]) }
    return members.joined(
      with: ["": SlotMember(adapter), names.layers: layers, names.finalNorm: norm])
  }

  /// The hidden states after the last block, before the final norm.
  ///
  /// - Parameters:
  ///   - ids: `[B, T]`.
  ///   - types: passed over.
  ///   - context: of this forward pass; T positions, or P more for each sequence where a prompt is put in.
  /// - Returns: `[B, T, D]`, or P more places for each sequence.
  public func callAsFunction(
    _ ids: Indices, types: Indices? = nil, _ context: ForwardContext
  ) -> Tensor {
    var x = embedded(ids, context)
    if let positions { x = x + positions(context.positions, context) }
    x = x.dropped(embeddingDropout, context.dropout)
    return layers(x, context, checkpointsActivations: checkpointsActivations)
  }

  /// The final norm.
  public func finished(_ hidden: Tensor) -> Tensor { norm(hidden) }
}
