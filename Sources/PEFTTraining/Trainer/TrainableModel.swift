public import PEFTTensor
public import PEFTTransformer

/// A model that a trainer can train.
public protocol TrainableModel: AnyObject {
  /// What one forward pass takes.
  associatedtype Batch: TrainingBatch

  /// The mean loss of the labels of a batch, a scalar for `backward()`, with dropout where the model has it.
  func loss(_ batch: Batch) -> Tensor

  /// The sum of the losses of a batch without dropout, and over how many labels it runs.
  func evaluate(_ batch: Batch) -> (sum: Double, count: Int)

  /// What the model's random numbers in training depend on; set back, the same ones follow.
  var randomState: UInt64 { get set }

  /// Which of the processes that train together this is: the same state gives other random numbers in each; 0 for a single one.
  var randomStream: UInt64 { get set }

  /// The strength of the noise on the embeddings of the tokens in training, alpha of NEFTune; nil for none.
  var embeddingNoise: Double? { get set }
}

extension TrainableModel {
  /// Always nil, for models without such noise; another value stops the program.
  public var embeddingNoise: Double? {
    get { nil }
    set {
      precondition(newValue == nil, "\(Self.self): has no noise on embeddings")
    }
  }

  /// Always 0, for models that draw no random numbers.
  public var randomState: UInt64 {
    get { 0 }
    set {}
  }

  /// Always 0, for models that draw no random numbers.
  public var randomStream: UInt64 {
    get { 0 }
    set {}
  }
}

extension TrainableModel where Self: TextModel {
  /// The strength of the noise on the embeddings of the tokens in training, alpha of NEFTune; nil for none.
  public var embeddingNoise: Double? {
    get { body.embeddingNoise }
    set { body.embeddingNoise = newValue }
  }
}

extension TrainableModel where Self: PretrainedModel {
  /// How many masks of dropout, and draws of noise, there were.
  public var randomState: UInt64 {
    get { dropoutKeys.drawn }
    set { dropoutKeys.drawn = newValue }
  }

  /// Which of the processes that train together draws.
  public var randomStream: UInt64 {
    get { dropoutKeys.stream }
    set { dropoutKeys.stream = newValue }
  }
}

extension CausalLM: TrainableModel {
  /// The mean cross-entropy of the labels that count, with dropout.
  public func loss(_ batch: TokenBatch) -> Tensor { loss(batch, isTraining: true) }
}

extension SequenceClassifier: TrainableModel {
  /// The mean cross-entropy of the labels that count, with dropout.
  public func loss(_ batch: ClassificationBatch) -> Tensor { loss(batch, isTraining: true) }
}

extension MaskedLM: TrainableModel {
  /// The mean cross-entropy of the labels that count, with dropout.
  public func loss(_ batch: TokenLabelBatch) -> Tensor { loss(batch, isTraining: true) }
}

extension TokenClassifier: TrainableModel {
  /// The mean cross-entropy of the labels that count, with dropout.
  public func loss(_ batch: TokenLabelBatch) -> Tensor { loss(batch, isTraining: true) }
}

extension ImageClassifier: TrainableModel {
  /// The mean cross-entropy of the labels that count, with dropout.
  public func loss(_ batch: ImageClassificationBatch) -> Tensor { loss(batch, isTraining: true) }
}
