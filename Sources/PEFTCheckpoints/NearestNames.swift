/// The names most like `name`, for "did you mean" in messages.
///
/// - Returns: at most `count`, the nearest first, none that differs in more than half of its bytes.
/// - Complexity: the number of names times the square of their length.
package func nearestNames(to name: String, among names: [String], count: Int = 3) -> [String] {
  let wanted = Array(name.utf8)
  let scored = names.enumerated().compactMap { index, candidate -> (Int, Int)? in
    let bytes = Array(candidate.utf8)
    let limit = max(wanted.count, bytes.count) / 2
    if abs(wanted.count - bytes.count) > limit { return nil }
    let distance = editDistance(wanted, bytes)
    return distance <= limit ? (distance, index) : nil
  }
  return scored.sorted { $0 < $1 }.prefix(count).map { names[$0.1] }
}

/// How many bytes have to be inserted, removed or replaced to make one name from the other.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var row = Array(0...b.count)
  for (i, byte) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, other) in b.enumerated() {
      let replaced = diagonal + (byte == other ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
    }
  }
  return row[b.count]
}
