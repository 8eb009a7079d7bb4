/// The places of the largest elements of tensors, the same ones on every machine.
package enum LargestElements {
  /// The flat places of the `count` largest elements of several contiguous tensors taken as one; among equals the first ones.
  ///
  /// Linear: a threshold is found by counting the leading and then the other bits.
  ///
  /// - Parameters:
  ///   - tensors: without negative elements or NaN.
  ///   - count: at most the number of all elements.
  /// - Returns: for each tensor, ascending places.
  package static func places(in tensors: [Tensor], count: Int) -> [[Int]] {
    precondition(
      (0...tensors.reduce(0) { $0 + $1.count }).contains(count), "LargestElements: \(count) places")
    guard count > 0 else { return tensors.map { _ in [] } }
    var left = count
    // How many of the bits above those counted agree with the threshold, and which they are.
    let high = bucket(tensors, &left) { Int($0 >> 16) }
    let low = bucket(tensors, &left) { $0 >> 16 == UInt32(high) ? Int($0 & 0xFFFF) : -1 }
    let threshold = UInt32(high << 16 | low)
    return tensors.map { tensor in
      var places: [Int] = []
      let elements = UnsafeBufferPointer(start: tensor.address, count: tensor.count)
      for place in elements.indices {
        let bits = (elements[place] + 0).bitPattern
        if bits > threshold {
          places.append(place)
        } else if bits == threshold, left > 0 {
          places.append(place)
          left -= 1
        }
      }
      return places
    }
  }

  /// The flat places of the `count` largest elements of each row of a contiguous matrix, ascending; among equals the first ones.
  package static func placesByRow(in matrix: Tensor, count: Int) -> [Int] {
    let columns = matrix.columns
    return (0..<matrix.rows).flatMap { row in
      let elements = UnsafeBufferPointer(
        start: matrix.address + row * matrix.rowStride, count: columns)
      let best = (0..<columns).sorted { (elements[$1], $0) < (elements[$0], $1) }
      return best.prefix(count).sorted().map { row * columns + $0 }
    }
  }

  /// The bucket in which the last of the `left` largest lies; lowers `left` by how many lie above it.
  private static func bucket(
    _ tensors: [Tensor], _ left: inout Int, _ key: (UInt32) -> Int
  ) -> Int {
    var counts = [Int](repeating: 0, count: 65536)
    for tensor in tensors {
      for element in UnsafeBufferPointer(start: tensor.address, count: tensor.count) {
        // Zeros of both signs are equal.
        let key = key((element + 0).bitPattern)
        if key >= 0 { counts[key] += 1 }
      }
    }
    var bucket = 65535
    while counts[bucket] < left {
      left -= counts[bucket]
      bucket -= 1
    }
    return bucket
  }
}
