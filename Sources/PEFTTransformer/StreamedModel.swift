public import PEFTCheckpoints

/// A model whose weights can stay in the files of its folder.
public protocol StreamedModel: PretrainedModel {
  /// Opens a Hugging Face model folder without taking memory for its weights: each is read from the file every time it is used.
  ///
  /// For work that goes through the weights one by one, as merging and checking. Weights in four bits stay in memory.
  ///
  /// - Parameter directory: the folder.
  /// - Returns: the model, all of it frozen.
  /// - Throws: `CheckpointError` as `init(directory:)`.
  static func streaming(_ directory: String) throws(CheckpointError) -> Self
}

extension CausalLM: StreamedModel {
  /// The same as `init(streaming:)`.
  public static func streaming(_ directory: String) throws(CheckpointError) -> CausalLM {
    try CausalLM(streaming: directory)
  }
}

extension SequenceClassifier: StreamedModel {
  /// Opens a folder with the head of a classifier without taking memory for its weights.
  public static func streaming(_ directory: String) throws(CheckpointError) -> SequenceClassifier {
    try SequenceClassifier(PretrainedFolder(directory, .strict, isStreamed: true), nil)
  }
}

extension TokenClassifier: StreamedModel {
  /// Opens a folder with the head of a classifier without taking memory for its weights.
  public static func streaming(_ directory: String) throws(CheckpointError) -> TokenClassifier {
    try TokenClassifier(PretrainedFolder(directory, .strict, isStreamed: true), nil)
  }
}

extension MaskedLM: StreamedModel {
  /// Opens a folder with the head of a masked language model without taking memory for its weights.
  public static func streaming(_ directory: String) throws(CheckpointError) -> MaskedLM {
    try MaskedLM(PretrainedFolder(directory, .strict, isStreamed: true))
  }
}

extension SentenceEncoder: StreamedModel {
  /// Opens the folder of an encoder without taking memory for its weights.
  public static func streaming(_ directory: String) throws(CheckpointError) -> SentenceEncoder {
    try SentenceEncoder(PretrainedFolder(directory, .strict, isStreamed: true))
  }
}

extension ImageClassifier: StreamedModel {
  /// Opens a folder with the head of a classifier of pictures without taking memory for its weights.
  public static func streaming(_ directory: String) throws(CheckpointError) -> ImageClassifier {
    try ImageClassifier(
      PretrainedFolder(directory, .strict, readsImages: true, isStreamed: true), nil)
  }
}

extension ImageEmbedder: StreamedModel {
  /// Opens the folder of an encoder of pictures without taking memory for its weights.
  public static func streaming(_ directory: String) throws(CheckpointError) -> ImageEmbedder {
    try ImageEmbedder(
      PretrainedFolder(directory, .strict, readsImages: true, isStreamed: true))
  }
}
