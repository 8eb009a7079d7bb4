/// A model that reads tokens.
public protocol TextModel: PretrainedModel {
  /// The blocks below the head, and the table of tokens below them.
  var body: any PromptedStack { get }
}

extension TextModel {
  /// The table of tokens.
  public var inputEmbedding: Embedding? { body.tokens }

  /// Computes the inside of every block again in the backward pass instead of keeping it.
  public var checkpointsActivations: Bool {
    get { body.checkpointsActivations }
    set { body.checkpointsActivations = newValue }
  }
}
