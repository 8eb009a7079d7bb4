package import PEFTTensor

/// Adds up the gradients of all ranks, bucket by bucket, while the backward pass goes on.
///
/// A bucket is sent when its gradients are final and the buckets before it are on their way: all ranks send in one order, which
/// is that of the first backward pass of rank 0.
package final class GradientReducer {
  private let parameters: [Parameter]
  private let places: [ObjectIdentifier: Int]
  private let communicator: any Communicator
  private let smallest: Int
  private var buckets: [GradientBucket] = []
  private var bucketOf: [Int] = []
  private var sent = 0
  private var seen: [Int] = []
  private var isOrdered = false
  private var failure: CommunicationError?

  /// Adds up the gradients of parameters.
  ///
  /// - Parameters:
  ///   - parameters: in the same order in all ranks.
  ///   - communicator: the ranks.
  ///   - smallest: so many elements, at least, are in every bucket but the last.
  package init(
    _ parameters: [Parameter], _ communicator: any Communicator, smallest: Int = 1 << 16
  ) {
    (self.parameters, self.communicator) = (parameters, communicator)
    self.smallest = smallest
    places = Dictionary(
      uniqueKeysWithValues: parameters.enumerated().map { (ObjectIdentifier($1), $0) })
    fill(GradientBuckets.initialOrder(parameters.count))
  }

  private func fill(_ order: [Int]) {
    let filled = GradientBuckets(
      order: order, counts: parameters.map(\.count), smallest: smallest)
    buckets = filled.places.map { GradientBucket($0.map { parameters[$0] }) }
    bucketOf = Array(repeating: 0, count: parameters.count)
    for (bucket, places) in filled.places.enumerated() {
      for place in places { bucketOf[place] = bucket }
    }
  }

  /// Takes note that nothing adds to a gradient any more in this step.
  package func isFinal(_ parameter: ObjectIdentifier) {
    guard let place = places[parameter], failure == nil else { return }
    if !isOrdered { seen.append(place) }
    buckets[bucketOf[place]].missing -= 1
    do throws(CommunicationError) {
      while sent < buckets.count, buckets[sent].missing == 0 {
        try buckets[sent].send(communicator)
        sent += 1
      }
      // Most transports move messages only while they are called.
      for bucket in buckets[..<sent] { try bucket.progress() }
    } catch { failure = error }
  }

  /// Sends what is left, and waits until every gradient is the sum over the ranks.
  package func finish() throws(CommunicationError) {
    if let failure { throw failure }
    while sent < buckets.count {
      try buckets[sent].send(communicator)
      sent += 1
    }
    for bucket in buckets { try bucket.receive() }
    sent = 0
    if !isOrdered { try learnOrder() }
  }

  /// Takes over the order in which rank 0 saw gradients become final, once it has seen some.
  private func learnOrder() throws(CommunicationError) {
    let known = seen.map(Double.init)
    let padding = Array(repeating: -1.0, count: parameters.count - known.count)
    seen = try communicator.fromFirst(known + padding).filter { $0 >= 0 }.map { Int($0) }
    if seen.isEmpty { return }
    isOrdered = true
    fill(GradientBuckets.order(seen: seen, count: parameters.count))
  }
}
