/// How the rows of a batch are shared among ranks.
package enum Shard {
  /// The rows of each rank: neighbours stay together, and a row goes to the rank in whose share of the work its middle lies.
  ///
  /// Ranks get nothing where there are fewer rows than ranks, or where one row is most of the work.
  ///
  /// - Parameters:
  ///   - costs: the work of each row.
  ///   - ranks: how many there are.
  /// - Returns: ranges that follow one another and cover all rows.
  /// - Complexity: linear.
  package static func ranges(costs: [Int], ranks: Int) -> [Range<Int>] {
    precondition(ranks > 0, "Shard: \(ranks) ranks")
    // A row without a token costs something too, and keeps the total positive.
    let costs = costs.map { max(1, $0) }
    let total = costs.reduce(0, +)
    var ends = Array(repeating: 0, count: ranks)
    var before = 0
    for (row, cost) in costs.enumerated() {
      ends[(2 * before + cost) * ranks / (2 * total)] = row + 1
      before += cost
    }
    var start = 0
    return ends.map { end in
      defer { start = max(start, end) }
      return start..<max(start, end)
    }
  }
}

extension TrainingBatch {
  /// The rows of one rank; nil where it gets none.
  func shard(_ rank: Int, of ranks: Int) -> Self? {
    let range = Shard.ranges(costs: rowTokenCounts, ranks: ranks)[rank]
    return range.isEmpty ? nil : rows(range)
  }
}
