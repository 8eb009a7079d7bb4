/// A process that trains by itself: the only rank there is.
public final class SingleProcess: Communicator {
  /// 0.
  public var rank: Int { 0 }
  /// 1.
  public var count: Int { 1 }

  /// A process by itself.
  public init() {}

  /// The sum of one vector, which is there at once.
  public func startSum(_ values: UnsafeMutableBufferPointer<Float>) -> any PendingSum { Done() }

  /// The numbers themselves.
  public func reduce(_ values: [Double], _ operation: Reduction) -> [Double] { values }

  /// Changes nothing.
  public func broadcast(_ values: UnsafeMutableBufferPointer<Float>) {}

  private struct Done: PendingSum {
    func progress() {}
    func wait() {}
  }
}
