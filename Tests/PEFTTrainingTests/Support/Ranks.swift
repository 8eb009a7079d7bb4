import Foundation
import PEFTTraining

/// Threads that train together.
enum Ranks {
  /// Where the threads put what they found.
  private final class Results<Value: Sendable>: @unchecked Sendable {
    // All access is under the lock.
    private let lock = NSLock()
    private var values: [Int: Result<Value, any Error>] = [:]

    func set(_ rank: Int, _ value: Result<Value, any Error>) {
      lock.withLock { values[rank] = value }
    }

    var all: [Result<Value, any Error>] {
      lock.withLock { values.sorted { $0.key < $1.key }.map(\.value) }
    }
  }

  /// What becomes of each rank; one that fails ends the waiting of the others.
  static func outcomes<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (ThreadCommunicator) throws -> Value
  ) -> [Result<Value, any Error>] {
    let (results, group) = (Results<Value>(), DispatchGroup())
    for rank in ThreadCommunicator.group(count) {
      group.enter()
      let thread = Thread {
        let result = Result { try body(rank) }
        if case .failure = result { rank.leave() }
        results.set(rank.rank, result)
        group.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    group.wait()
    return results.all
  }

  /// What each rank returns.
  static func run<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (ThreadCommunicator) throws -> Value
  ) throws -> [Value] {
    try outcomes(count, body).map { try $0.get() }
  }
}
