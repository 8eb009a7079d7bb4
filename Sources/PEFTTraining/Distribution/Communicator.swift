/// The processes that train one model together, as one of them sees them.
///
/// All of them call the same methods in the same order; what each calls with numbers of its own comes back as the same numbers
/// in all. `SingleProcess` is a training by itself, `ThreadCommunicator` has threads of one process as ranks, and the product
/// PEFTDistributed has the ranks of MPI.
public protocol Communicator: AnyObject {
  /// The number of this process, from 0; that with 0 evaluates, logs and writes.
  var rank: Int { get }

  /// How many processes there are.
  var count: Int { get }

  /// Begins to replace a vector by the sum of those of all ranks, while this process does something else.
  ///
  /// - Parameter values: as long in all ranks; not to be touched until `wait` of the result returns.
  /// - Returns: the work that was begun.
  /// - Throws: `CommunicationError` where the ranks cannot be reached.
  func startSum(
    _ values: UnsafeMutableBufferPointer<Float>
  ) throws(CommunicationError) -> any PendingSum

  /// Combines as many numbers of all ranks, each with those at its place.
  ///
  /// - Parameters:
  ///   - values: those of this rank.
  ///   - operation: how two are combined.
  /// - Returns: the results, the same to the bit in all ranks.
  /// - Throws: `CommunicationError` where the ranks cannot be reached.
  func reduce(
    _ values: [Double], _ operation: Reduction
  ) throws(CommunicationError) -> [Double]

  /// Replaces a vector by that of rank 0.
  ///
  /// - Parameter values: as long in all ranks.
  /// - Throws: `CommunicationError` where the ranks cannot be reached.
  func broadcast(_ values: UnsafeMutableBufferPointer<Float>) throws(CommunicationError)
}

/// How the numbers of two ranks become one.
public enum Reduction: Sendable, Hashable {
  /// Added.
  case sum
  /// The larger one.
  case maximum
}

/// A sum over all ranks that is on its way.
public protocol PendingSum {
  /// Gives the transport time to go on; returns at once.
  ///
  /// - Throws: `CommunicationError` where the ranks cannot be reached.
  func progress() throws(CommunicationError)

  /// Waits until the sum is there.
  ///
  /// - Throws: `CommunicationError` where the ranks cannot be reached.
  func wait() throws(CommunicationError)
}

extension Communicator {
  /// Numbers of rank 0, in all ranks.
  ///
  /// - Parameter values: as many in all ranks, and finite; those of the others do not matter.
  /// - Returns: those of rank 0.
  /// - Throws: `CommunicationError` where the ranks cannot be reached.
  public func fromFirst(_ values: [Double]) throws(CommunicationError) -> [Double] {
    try reduce(rank == 0 ? values : values.map { _ in 0 }, .sum)
  }

  /// Waits until all ranks are here.
  ///
  /// - Throws: `CommunicationError` where the ranks cannot be reached.
  public func barrier() throws(CommunicationError) { _ = try reduce([0], .sum) }
}
