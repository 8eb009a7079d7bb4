/// A batch that says how much there is to learn in it.
public protocol TrainingBatch {
  /// Over how many labels its loss is the mean.
  var targetCount: Int { get }
  /// How many tokens it has, for the measure of speed.
  var tokenCount: Int { get }
  /// How many tokens each row has: what rows cost, to share them among processes.
  var rowTokenCounts: [Int] { get }
  /// Some of the rows, as a batch.
  func rows(_ range: Range<Int>) -> Self
}

extension TrainingBatch {
  /// One row: a batch that cannot be cut is the work of one process.
  public var rowTokenCounts: [Int] { [tokenCount] }
  /// The batch itself, which is all there is to have.
  public func rows(_ range: Range<Int>) -> Self { self }
}

/// Batches in epochs, which can be read from any place on, so that training can start anywhere.
public protocol BatchSource<Batch> {
  /// What one forward pass takes.
  associatedtype Batch: TrainingBatch

  /// How many batches every epoch has.
  var batchCount: Int { get }

  /// Opens an epoch at a batch; the same place gives the same batches.
  ///
  /// - Parameter cursor: the batch that is read first, from 0 to `batchCount` of any epoch.
  /// - Returns: reads this and the batches after it, to the end of the epoch.
  /// - Throws: `DataError` where the data cannot be read.
  func makeReader(at cursor: DataCursor) throws(DataError) -> any BatchReader<Batch>
}

/// Reads batches one by one.
public protocol BatchReader<Batch>: AnyObject {
  /// What one forward pass takes.
  associatedtype Batch: TrainingBatch

  /// Behind the batch that was read last.
  var cursor: DataCursor { get }

  /// The next batch; nil after the last of the epoch.
  func next() throws(DataError) -> Batch?
}

/// Batches each of which can be made by itself.
public protocol IndexedBatchSource: BatchSource {
  /// The batches of one epoch, at the places from 0.
  associatedtype Epoch: RandomAccessCollection<Batch> where Epoch.Index == Int

  /// The batches of an epoch; the same number gives the same batches.
  func epoch(_ number: Int) -> Epoch
}

extension IndexedBatchSource {
  /// Opens an epoch at a batch.
  public func makeReader(at cursor: DataCursor) -> any BatchReader<Batch> {
    CollectionReader(epoch(cursor.epoch).dropFirst(cursor.batch), cursor)
  }
}

/// Reads the batches of a collection.
private final class CollectionReader<Batches: Collection>: BatchReader
where Batches.Element: TrainingBatch, Batches.SubSequence == Batches {
  private(set) var cursor: DataCursor
  private var rest: Batches

  init(_ batches: Batches, _ cursor: DataCursor) {
    rest = batches
    self.cursor = DataCursor(epoch: cursor.epoch, batch: cursor.batch)
  }

  func next() -> Batches.Element? {
    guard let batch = rest.popFirst() else { return nil }
    cursor.batch += 1
    return batch
  }
}

extension Array: BatchSource, IndexedBatchSource where Element: TrainingBatch {
  /// How many batches every epoch has.
  public var batchCount: Int { count }

  /// The batches themselves, in every epoch.
  public func epoch(_ number: Int) -> [Element] { self }
}
