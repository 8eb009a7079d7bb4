import PEFTTensor

/// Examples of a language model in batches.
public typealias TokenBatches = ExampleBatches<TrainingExample>

/// Examples of a classifier in batches.
public typealias ClassificationBatches = ExampleBatches<ClassificationExample>

/// The order of examples in memory.
public enum BatchOrder: Sendable, Hashable {
  /// As they are given.
  case given
  /// Anew for every epoch, by the seed and the number of the epoch alone.
  case shuffled(seed: UInt64)

  /// What an epoch is shuffled by; nil where it is not.
  func generator(epoch: Int) -> Generator? {
    guard case .shuffled(let seed) = self else { return nil }
    return Generator(seed: Generator.mix(seed) &+ UInt64(truncatingIfNeeded: epoch))
  }
}

/// Examples in memory, in batches of one size, each padded to its longest row.
public struct ExampleBatches<Example: BatchableExample>: IndexedBatchSource, Sendable {
  /// How many batches of neighbours are sorted by length together while shuffling, as a compromise of padding and chance.
  private static var bucketBatches: Int { 64 }

  private let examples: [Example]
  private let batchSize: Int
  private let order: BatchOrder
  private let groupsLengths: Bool
  private let padding: Int32
  /// How many batches every epoch has.
  public let batchCount: Int

  /// Batches of examples.
  ///
  /// - Parameters:
  ///   - examples: encoded rows.
  ///   - batchSize: how many rows a batch has.
  ///   - order: that of the rows.
  ///   - groupsLengths: whether rows of like lengths share a batch, which saves work on padding. Shuffled batches are still in
  ///     random order; batches in the given order become sorted by length.
  ///   - dropsLast: whether a last batch with fewer rows is left out.
  ///   - padding: the id of padding; any valid id does.
  public init(
    _ examples: [Example], batchSize: Int, order: BatchOrder = .given,
    groupsLengths: Bool = false, dropsLast: Bool = false, padding: Int32 = 0
  ) {
    precondition(batchSize > 0, "ExampleBatches: batch size \(batchSize)")
    self.examples = examples
    self.batchSize = batchSize
    self.order = order
    self.groupsLengths = groupsLengths
    self.padding = padding
    batchCount =
      dropsLast ? examples.count / batchSize : (examples.count + batchSize - 1) / batchSize
  }

  /// The batches of an epoch.
  ///
  /// - Complexity: linear in the number of examples; n log n where lengths are grouped.
  public func epoch(_ number: Int) -> Epoch {
    var places = Array(examples.indices)
    var batches = Array(0..<batchCount)
    if var generator = order.generator(epoch: number) {
      places.shuffle(using: &generator)
      if groupsLengths {
        let window = batchSize * Self.bucketBatches
        for start in stride(from: 0, to: places.count, by: window) {
          sortByLength(&places, start..<min(start + window, places.count))
        }
        batches.shuffle(using: &generator)
      }
    } else if groupsLengths {
      sortByLength(&places, 0..<places.count)
    }
    return Epoch(source: self, places: places, batches: batches)
  }

  private func sortByLength(_ places: inout [Int], _ range: Range<Int>) {
    // The place breaks ties, since the order of equal elements is not promised by `sort`.
    places[range].sort {
      (examples[$0].tokenCount, $0) < (examples[$1].tokenCount, $1)
    }
  }

  fileprivate func batch(_ places: ArraySlice<Int>) -> Example.Batch {
    Example.batch(places.map { examples[$0] }, padding: padding)
  }
}

extension ExampleBatches {
  /// The batches of one epoch; a batch is made when it is asked for.
  public struct Epoch: RandomAccessCollection, Sendable {
    fileprivate let source: ExampleBatches
    fileprivate let places: [Int]
    fileprivate let batches: [Int]

    /// 0.
    public var startIndex: Int { 0 }
    /// The number of batches.
    public var endIndex: Int { batches.count }

    /// The batch at a place.
    public subscript(position: Int) -> Example.Batch {
      let start = batches[position] * source.batchSize
      return source.batch(places[start..<Swift.min(start + source.batchSize, places.count)])
    }
  }
}
