import PEFTTensor

/// Which gradients travel together, and in which order.
package struct GradientBuckets: Hashable, Sendable {
  /// The places of the parameters in each bucket.
  package let places: [[Int]]

  /// Fills one bucket after the other, none with less than a message is worth, and not many in all.
  ///
  /// - Parameters:
  ///   - order: the places of the parameters, those whose gradients are final first at the beginning.
  ///   - counts: how many elements each parameter has.
  ///   - smallest: so many elements, at least, are in every bucket but the last.
  ///   - most: how many buckets there are at most.
  package init(order: [Int], counts: [Int], smallest: Int = 1 << 16, most: Int = 32) {
    let size = max(smallest, (counts.reduce(0, +) + most - 1) / most)
    var places: [[Int]] = []
    var (bucket, filled) = ([Int](), 0)
    for place in order {
      bucket.append(place)
      filled += counts[place]
      if filled >= size {
        places.append(bucket)
        (bucket, filled) = ([], 0)
      }
    }
    if !bucket.isEmpty { places.append(bucket) }
    self.places = places
  }

  /// The order for a training whose backward passes nobody has seen: the last parameter is used last, and final first.
  package static func initialOrder(_ count: Int) -> [Int] { (0..<count).reversed() }

  /// The order in which gradients were final; those that never were come last.
  package static func order(seen: [Int], count: Int) -> [Int] {
    let known = Set(seen)
    return seen + initialOrder(count).filter { !known.contains($0) }
  }
}

/// The memory of one bucket: the gradients one after the other, and for each how many ranks have one.
final class GradientBucket {
  let parameters: [Parameter]
  private let memory: Tensor
  private let offsets: [Int]
  private var pending: (any PendingSum)?
  /// How many gradients have yet to be final.
  var missing: Int

  init(_ parameters: [Parameter]) {
    self.parameters = parameters
    var (offsets, end) = ([Int](), 0)
    for parameter in parameters {
      offsets.append(end)
      end += parameter.count
    }
    self.offsets = offsets + [end]
    memory = Tensor(uninitialized: [end + parameters.count])
    missing = parameters.count
  }

  /// Sends the gradients off.
  func send(_ communicator: some Communicator) throws(CommunicationError) {
    let flags = parameters.map { $0.gradient == nil ? Float(0) : 1 }
    for (parameter, offset) in zip(parameters, offsets) {
      memory.overwrite(
        from: offset, with: parameter.gradient ?? Tensor(zeros: parameter.shape))
    }
    memory.overwrite(from: offsets[parameters.count], with: Tensor(flags))
    pending = try communicator.startSum(memory.elements)
  }

  func progress() throws(CommunicationError) { try pending?.progress() }

  /// Waits for the sums, and makes them the gradients; a parameter that no rank has a gradient of still has none.
  func receive() throws(CommunicationError) {
    try pending?.wait()
    pending = nil
    missing = parameters.count
    let end = offsets[parameters.count]
    let flags = memory.sliced(axis: 0, end..<end + parameters.count).array
    for (index, parameter) in parameters.enumerated() {
      parameter.gradient =
        flags[index] == 0
        ? nil
        : memory.sliced(axis: 0, offsets[index]..<offsets[index + 1]).copied().reshaped(
          parameter.shape)
    }
  }
}
