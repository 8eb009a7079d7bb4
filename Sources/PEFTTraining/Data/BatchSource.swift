public import PEFTTransformer

/// A batch that says how much there is to learn in it.
public protocol TrainingBatch {
  /// Over how many labels its loss is the mean.
  var targetCount: Int { get }
  /// How many tokens it has, for the measure of speed.
  var tokenCount: Int { get }
}

extension TokenBatch: TrainingBatch {}
extension ClassificationBatch: TrainingBatch {}

/// Batches in epochs, each at its place, so that training can start anywhere.
public protocol BatchSource {
  /// What one forward pass takes.
  associatedtype Batch: TrainingBatch
  /// The batches of one epoch, at the places from 0.
  associatedtype Epoch: RandomAccessCollection<Batch> where Epoch.Index == Int

  /// How many batches every epoch has.
  var batchCount: Int { get }

  /// The batches of an epoch; the same number gives the same batches.
  func epoch(_ number: Int) -> Epoch
}

extension Array: BatchSource where Element: TrainingBatch {
  /// How many batches every epoch has.
  public var batchCount: Int { count }

  /// The batches themselves, in every epoch.
  public func epoch(_ number: Int) -> [Element] { self }
}
