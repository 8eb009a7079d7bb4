public import PEFTTensor

/// Everything that distinguishes one Transformer from another.
///
/// A family file makes it from `config.json`; layers are built from it and do not keep it.
public struct TransformerConfiguration: Sendable, Hashable {
  /// The family, as `model_type` in `config.json`.
  public var modelType: String
  /// V.
  public var vocabularySize: Int
  /// D.
  public var width: Int
  /// The number of blocks.
  public var layers: Int
  /// H.
  public var heads: Int
  /// G, which divides H: how many heads the keys and values have.
  public var keyValueHeads: Int
  /// K.
  public var headWidth: Int
  /// F.
  public var feedForwardWidth: Int
  /// How many positions the model was made for.
  public var maximumPositions: Int
  /// The kind of normalisation.
  public var norm: Norm.Kind
  /// Added under the root of the norms.
  public var normEpsilon: Float
  /// Between the two maps of the feed-forward part.
  public var activation: Activation
  /// Whether a second map gates the first (SwiGLU).
  public var isGated: Bool
  /// How tokens know their places.
  public var positions: Positions
  /// Whether query, key and value are one map.
  public var hasFusedQueryKeyValue: Bool
  /// Whether the maps of query, key and value have a bias.
  public var hasQueryKeyValueBias: Bool
  /// Whether the map after attention has a bias.
  public var hasAttentionOutputBias: Bool
  /// Whether the maps of the feed-forward part have one.
  public var hasFeedForwardBias: Bool
  /// How many keys a query sees, by layer; nil for all.
  public var slidingWindows: [Int?]
  /// Whether the output head is the table of the token embedding.
  public var hasTiedHead: Bool
  /// How weights lie in the checkpoint.
  public var layout: WeightLayout
  /// The deviation of new weights.
  public var initializerRange: Float
  /// Dropout in training.
  public var dropout = Dropout()
  /// The names of modules.
  public var names: Names
  /// Whether the first map of the feed-forward part holds the gate as well, before what it gates.
  public var hasFusedGate = false
  /// Whether queries and keys are normalised, each head by itself.
  public var hasQueryKeyNorm = false
  /// Added to the weights of root-mean-square norms.
  public var normOffset: Float = 0
  /// What embeddings of tokens are multiplied with.
  public var embeddingScale: Float = 1
  /// Where the norms of a block stand.
  public var normPlacement = NormPlacement.beforeParts
  /// Whether a token sees no later one; not in an encoder.
  public var isCausal = true
  /// How many kinds of tokens have a row in a table, as those of a first and a second sentence; 0 for no table.
  public var tokenTypes = 0
  /// The row of the first token in the table of positions.
  public var firstPosition = 0
  /// What the classes of a classifier are called; empty where nothing says so.
  public var labels: [String] = []
  /// How the head of a sequence classifier works; nil where the family has none.
  public var classifier: ClassifierHead?
  /// How the head of a masked language model works; nil where the family has none.
  public var maskedHead: MaskedHead?
  /// The pictures that the model reads; nil where it reads tokens.
  public var images: Images?

  /// The length of the longest row that learned positions allow.
  public var usablePositions: Int { maximumPositions - firstPosition }

  /// How tokens know their places.
  public enum Positions: Sendable, Hashable {
    /// A table that is added to the token embedding.
    case learned
    /// Queries and keys are turned.
    case rotary(RotaryScaling)
    /// A table with a row for every patch of a picture and the token before them.
    case patches
  }

  /// Where the norms of a block stand.
  public enum NormPlacement: Sendable, Hashable {
    /// Before attention and the feed-forward part.
    case beforeParts
    /// After the residual sums.
    case afterSums
  }

  /// The probabilities of dropout in training.
  public struct Dropout: Sendable, Hashable {
    /// After the embeddings.
    public var embedding: Float = 0
    /// On the attention probabilities.
    public var attention: Float = 0
    /// Before each residual sum.
    public var residual: Float = 0

    /// No dropout.
    public init() {}
  }

  /// The maps of a sequence classifier.
  public struct ClassifierHead: Sendable, Hashable {
    /// Which hidden states of a row they see.
    public var pooling = SequencePooling.firstToken
    /// Between the two maps; nil where there is only the last.
    public var activation: Activation?
    /// Whether the last map has a bias.
    public var hasOutputBias = true
    /// Dropout before the first of two maps.
    public var inputDropout: Float = 0
    /// Dropout before the last map.
    public var dropout: Float = 0
  }

  /// The head of a masked language model, and the names of its parts.
  public struct MaskedHead: Sendable, Hashable {
    /// After the first map.
    public var activation: Activation
    /// The first map.
    public var dense: String
    /// The norm after it.
    public var norm: String
    /// The map to the vocabulary.
    public var output: String
    /// The bias of that map.
    public var bias: String
  }

  /// The names of modules in the family's checkpoints.
  public struct Names: Sendable, Hashable {
    /// The part of the model without the head.
    public var body: String
    /// The token embedding.
    public var tokens: String
    /// The table of positions.
    public var positions: String
    /// The list of blocks.
    public var layers: String
    /// The attention of a block.
    public var attention: String
    /// The map of queries, or of queries, keys and values where they are one.
    public var query: String
    /// The map of keys.
    public var key: String
    /// The map of values.
    public var value: String
    /// The map after attention.
    public var attentionOutput: String
    /// The norm before attention.
    public var attentionNorm: String
    /// The feed-forward part.
    public var feedForward: String
    /// The gate of the feed-forward part.
    public var gate: String
    /// The first map of the feed-forward part.
    public var up: String
    /// The last map of the feed-forward part.
    public var down: String
    /// The norm before the feed-forward part.
    public var feedForwardNorm: String
    /// The norm after the last block.
    public var finalNorm: String
    /// The output head.
    public var head: String
    /// The norm of the queries of a head.
    public var queryNorm = ""
    /// The norm of the keys of a head.
    public var keyNorm = ""
    /// The table of the kinds of tokens.
    public var tokenTypes = ""
    /// The norm of the sum of the embeddings.
    public var embeddingNorm = ""
    /// The module that holds the maps of a sequence classifier; empty for the model itself.
    public var classifier = ""
    /// The first of two maps in it.
    public var classifierDense = ""
    /// The last map in it.
    public var classifierOutput = ""
    /// What parts of paths are called in checkpoints, where that is something else.
    public var aliases = PathAliases.none
  }
}
