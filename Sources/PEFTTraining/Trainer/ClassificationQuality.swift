internal import Foundation
import PEFTTensor
public import PEFTTransformer

/// How well a classifier knows the classes of rows.
public struct ClassificationQuality: Sendable, Hashable {
  /// The mean cross-entropy of the labels, in nats.
  public let loss: Double
  /// The share of rows whose class has the highest score.
  public let accuracy: Double
  /// How many rows have a label.
  public let count: Int

  /// Runs a classifier over batches, without dropout.
  ///
  /// - Parameters:
  ///   - model: the classifier.
  ///   - data: batches; those of epoch 0 are taken.
  ///   - progress: gets how many rows are done.
  /// - Throws: `TrainingError` where there is no label or a batch cannot be read.
  public init(
    _ model: SequenceClassifier, _ data: some BatchSource<ClassificationBatch>,
    progress: (Int) -> Void = { _ in }
  ) throws(TrainingError) {
    try self.init(data, progress) { (model($0.rows), $0.labels) }
  }

  /// Runs a classifier over batches of pictures, without dropout.
  ///
  /// - Parameters:
  ///   - model: the classifier.
  ///   - data: batches; those of epoch 0 are taken.
  ///   - progress: gets how many pictures are done.
  /// - Throws: `TrainingError` where there is no label or a batch cannot be read.
  public init(
    _ model: ImageClassifier, _ data: some BatchSource<ImageClassificationBatch>,
    progress: (Int) -> Void = { _ in }
  ) throws(TrainingError) {
    try self.init(data, progress) { (model($0.pixels), $0.labels) }
  }

  private init<Batch>(
    _ data: some BatchSource<Batch>, _ progress: (Int) -> Void,
    _ evaluate: (Batch) -> (scores: Tensor, labels: [Int32])
  ) throws(TrainingError) {
    var (sum, right, count) = (0.0, 0, 0)
    do throws(DataError) {
      let reader = try data.makeReader(at: DataCursor())
      while let batch = try reader.next() {
        let (tensor, labels) = withoutGradients { evaluate(batch) }
        let scores = tensor.array
        let classes = scores.count / labels.count
        for (row, label) in labels.enumerated() where label != TokenBatch.ignored {
          let own = scores[row * classes..<(row + 1) * classes].map(Double.init)
          let largest = own.max() ?? 0
          if own.firstIndex(of: largest) == Int(label) { right += 1 }
          let total = own.reduce(0.0) { $0 + exp($1 - largest) }
          sum += largest + log(total) - own[Int(label)]
        }
        count += batch.targetCount
        progress(count)
      }
    } catch { throw .data(error) }
    if count == 0 { throw .noLabels(step: 0) }
    (loss, accuracy) = (sum / Double(count), Double(right) / Double(count))
    self.count = count
  }
}
