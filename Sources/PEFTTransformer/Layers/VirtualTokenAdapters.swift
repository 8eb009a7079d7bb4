public import PEFTTensor

/// Puts keys and values before those of the tokens of an attention, or keeps it within groups.
public protocol AttentionAdapter: Module {
  /// P, the same in every layer of a model.
  var prefixLength: Int { get }
  /// Keys and values, which carry no positions; nil for none.
  ///
  /// - Parameters:
  ///   - base: the attention.
  ///   - context: of this forward pass.
  /// - Returns: `[P, G * K]` each, G heads of width K side by side.
  func prefix(
    base: SelfAttention, _ context: ForwardContext
  ) -> (keys: Tensor, values: Tensor)?
  /// The groups within which attention stays in this pass; nil for full attention.
  func groups(_ context: ForwardContext) -> AttentionGroups?
}

extension AttentionAdapter {
  /// None.
  public func groups(_ context: ForwardContext) -> AttentionGroups? { nil }
}

/// Puts embeddings before those of the tokens of a stack of blocks.
public protocol PromptAdapter: Module {
  /// P.
  var promptLength: Int { get }
  /// The embeddings, `[P, D]`; nil for none.
  func prompt(_ context: ForwardContext) -> Tensor?
}

/// A stack of blocks with a slot for what stands before a sequence.
public protocol PromptTarget: Module {
  /// The table of tokens; nil where the sequence is made of something else.
  var vocabulary: Embedding? { get }
  /// D.
  var width: Int { get }
  /// What puts embeddings before those of the sequence.
  var adapter: (any PromptAdapter)? { get set }
  /// The blocks, the lowest first.
  var layers: [Block] { get }
  /// Computes the inside of every block again in the backward pass instead of keeping it.
  var checkpointsActivations: Bool { get set }
}

/// A stack of blocks behind a table of tokens, with a slot for what stands before them: a decoder or an encoder.
public protocol PromptedStack: PromptTarget {
  /// The table of tokens.
  var tokens: Embedding { get }
  /// The hidden states after the last block.
  ///
  /// - Parameters:
  ///   - ids: `[B, T]`.
  ///   - types: the kind of every token, `[B, T]`; nil for 0, and passed over in a family without kinds.
  ///   - context: of this forward pass.
  /// - Returns: `[B, T, D]`, or with the places of a prompt before each sequence.
  func callAsFunction(_ ids: Indices, types: Indices?, _ context: ForwardContext) -> Tensor
  /// What a head sees of hidden states after the last block: `[..., D]` to `[..., D]`, each by itself.
  func finished(_ hidden: Tensor) -> Tensor
  /// The strength of the noise on the embeddings of the tokens in training, alpha of NEFTune; nil for none.
  var embeddingNoise: Double? { get set }
}

extension PromptTarget {
  /// What adapters put before the first token of every sequence.
  public var virtual: VirtualTokens {
    VirtualTokens(prefix: layers.prefixLength, prompt: adapter?.promptLength ?? 0)
  }

  /// The embeddings of sequences, with a prompt before each where this pass begins them.
  func prompted(_ x: Tensor, _ context: ForwardContext) -> Tensor {
    guard context.isFirst, context.virtual.prompt > 0, let prompt = adapter?.prompt(context) else {
      return x
    }
    return x.beginning(with: prompt, at: context.startsWithoutPrompts)
  }
}

extension PromptedStack {
  /// The table of tokens.
  public var vocabulary: Embedding? { tokens }
  /// D.
  public var width: Int { tokens.weight.shape[1] }

  /// The embeddings of tokens, with a prompt before each sequence where this pass begins them.
  func embedded(_ ids: Indices, _ context: ForwardContext) -> Tensor {
    prompted(tokens(ids, context).noisy(embeddingNoise, context), context)
  }
}

extension ForwardContext {
  /// The places at which sequences begin among the tokens of all rows without the prompts; `visible` counts those before each.
  var startsWithoutPrompts: [Int] {
    visible.starts.enumerated().map { $1 - $0 * virtual.prompt }
  }
}
