import PEFTCheckpoints
public import PEFTTensor

/// A stack of blocks in which every token sees all others, behind a norm of the summed embeddings: BERT below its heads.
public final class Encoder: PromptedStack {
  /// The table of tokens.
  public let tokens: Embedding
  /// The table of positions.
  public let positions: Embedding?
  /// The table of the kinds of tokens; nil in families without.
  public let tokenTypes: Embedding?
  /// After the sum of the embeddings.
  public let embeddingNorm: Norm
  /// The blocks, the lowest first.
  public let layers: [Block]
  /// What puts embeddings before those of the tokens.
  public var adapter: (any PromptAdapter)?
  /// Computes the inside of every block again in the backward pass instead of keeping it.
  public var checkpointsActivations = false
  /// The strength of the noise on the embeddings of the tokens in training, alpha of NEFTune; nil for none.
  public var embeddingNoise: Double?
  private let configuration: TransformerConfiguration
  private let names: TransformerConfiguration.Names

  init(
    _ configuration: TransformerConfiguration, from source: any ParameterSource,
    precision: Precision?
  ) throws(CheckpointError) {
    let builder = TransformerBuilder(configuration, source, precision)
    self.configuration = configuration
    names = configuration.names
    tokens = try builder.tokens()
    positions = try builder.positions()
    tokenTypes = try builder.tokenTypes()
    embeddingNorm = try builder.norm(names.embeddingNorm)
    layers = try builder.blocks()
  }

  /// What this keeps, by its names in checkpoints.
  public var members: Members {
    var members: Members = [names.tokens: tokens]
    if let positions { members = members.joined(with: [names.positions: positions]) }
    if let tokenTypes { members = members.joined(with: [names.tokenTypes: tokenTypes]) }
    return members.joined(
      with: ["": SlotMember(adapter), names.embeddingNorm: embeddingNorm, names.layers: layers])
  }

  /// The hidden states after the last block.
  ///
  /// - Parameters:
  ///   - ids: `[B, T]`.
  ///   - types: the kind of every token, `[B, T]`; nil for 0.
  ///   - context: of this forward pass.
  /// - Returns: `[B, T, D]`, with the places of a prompt before each sequence; they are of the kind 0.
  public func callAsFunction(
    _ ids: Indices, types: Indices? = nil, _ context: ForwardContext
  ) -> Tensor {
    var x = embedded(ids, context)
    if let tokenTypes {
      let zeros = Indices(Array(repeating: 0, count: ids.count), shape: ids.shape)
      x = x + tokenTypes((types ?? zeros).prompted(context), context)
    }
    if let positions { x = x + positions(context.positions, context) }
    x = embeddingNorm(x).dropped(configuration.dropout.embedding, context.dropout)
    return layers(x, context, checkpointsActivations: checkpointsActivations)
  }

  /// The hidden states as they are.
  public func finished(_ hidden: Tensor) -> Tensor { hidden }
}

extension Indices {
  /// With zeros in the places of a prompt before each sequence.
  fileprivate func prompted(_ context: ForwardContext) -> Indices {
    let count = context.virtual.prompt
    if count == 0 { return self }
    var (result, end): ([Int32], Int) = ([], 0)
    for start in context.startsWithoutPrompts {
      result += values[end..<start] + Array(repeating: 0, count: count)
      end = start
    }
    result += values[end...]
    return Indices(result, shape: [shape[0], result.count / max(1, shape[0])])
  }
}
