import Foundation

/// A value behind a lock that thread sanitizers see, as they do not with `Mutex`.
public final class Guarded<Value: Sendable>: @unchecked Sendable {
  // Read and written by whoever holds `lock`, and nobody else.
  private var value: Value
  private let lock = NSLock()

  /// A value that threads share.
  public init(_ value: Value) { self.value = value }

  /// Works on the value while no other thread does.
  public func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}
