/// Between which neighbouring symbols nothing is ever joined.
///
/// Where no merge has a left token that ends with one symbol and a right token that begins with the other,
/// no token can reach over the boundary between the two, and the parts on both sides can be joined each by
/// itself. In a text that is not cut into words this makes words again.
struct CutTable: Sendable {
  /// The pairs of symbols that some merge reaches over, nil where that is not known.
  private let bridges: MergeTable?

  /// Finds the pairs.
  ///
  /// What a token begins and ends with follows from the merges that make it. Where that is not the same
  /// for all of them, where a token is used before it is made, or where one is a symbol as well, nothing is
  /// cut.
  ///
  /// - Parameters:
  ///   - merges: all merges.
  ///   - symbols: the tokens of more than one character that a word is made of before anything is joined.
  init(_ merges: [BPE.Merge], symbols: Set<Int32>) {
    var ends: [Int32: (first: Int32, last: Int32)?] = [:]
    for merge in merges { ends[merge.joined] = .some(nil) }
    var bridges = MergeTable(capacity: merges.count)
    for merge in merges {
      // A part of no characters would make a token out of itself.
      guard merge.joined != merge.left, merge.joined != merge.right,
        !symbols.contains(merge.joined),
        let left = ends[merge.left, default: (merge.left, merge.left)],
        let right = ends[merge.right, default: (merge.right, merge.right)]
      else {
        self.bridges = nil
        return
      }
      if let known = ends[merge.joined] ?? nil, known != (left.first, right.last) {
        self.bridges = nil
        return
      }
      ends[merge.joined] = (left.first, right.last)
      bridges.insert(left.last, right.first, rank: 0, id: 0)
    }
    self.bridges = bridges
  }

  /// Whether a word may be cut between two neighbouring symbols.
  func canCut(_ left: Int32, _ right: Int32) -> Bool {
    bridges.map { !$0.contains(left, right) } ?? false
  }
}
