import Foundation

/// Values that another thread makes ahead of their use, no more than a few at a time.
///
/// The thread ends when the values do, when making one fails, and when this is released.
final class ReadAhead<Value: Sendable> {
  /// Makes the values one by one.
  typealias Next = () throws(DataError) -> Value?

  private let queue: Queue

  /// Starts the thread; `open` is called on it, and so is what it returns.
  init(depth: Int, open: @escaping @Sendable () throws(DataError) -> Next) {
    let queue = Queue(depth: max(1, depth))
    self.queue = queue
    let thread = Thread {
      do throws(DataError) {
        let next = try open()
        while let value = try next(), queue.add(value) {}
        queue.finish(nil)
      } catch {
        queue.finish(error)
      }
    }
    thread.stackSize = 4 << 20
    thread.name = "peft-data"
    thread.start()
  }

  deinit { queue.stop() }

  /// The next value; nil after the last.
  func next() throws(DataError) -> Value? { try queue.next() }

  /// What the two threads share.
  private final class Queue: Sendable {
    private let depth: Int
    private let changed = NSCondition()
    // All of these are read and written under the lock of `changed` only.
    private nonisolated(unsafe) var values: [Value] = []
    private nonisolated(unsafe) var isFinished = false
    private nonisolated(unsafe) var isStopped = false
    private nonisolated(unsafe) var error: DataError?

    init(depth: Int) { self.depth = depth }

    /// Waits for room; false where nobody wants more.
    func add(_ value: Value) -> Bool {
      changed.lock()
      defer { changed.unlock() }
      while values.count >= depth, !isStopped { changed.wait() }
      if isStopped { return false }
      values.append(value)
      changed.signal()
      return true
    }

    func finish(_ error: DataError?) {
      changed.lock()
      defer { changed.unlock() }
      (isFinished, self.error) = (true, error)
      changed.signal()
    }

    func stop() {
      changed.lock()
      defer { changed.unlock() }
      isStopped = true
      changed.signal()
    }

    /// Waits for a value.
    func next() throws(DataError) -> Value? {
      changed.lock()
      defer { changed.unlock() }
      while values.isEmpty, !isFinished { changed.wait() }
      if values.isEmpty {
        if let error { throw error }
        return nil
      }
      defer { changed.signal() }
      return values.removeFirst()
    }
  }
}
