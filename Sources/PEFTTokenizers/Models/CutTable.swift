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
  /// What a token begins and ends with follows from the merges that make it. Where they do not agree, or
  /// where a token that is made is a symbol as well, nothing is cut.
  ///
  /// - Parameters:
  ///   - merges: all merges.
  ///   - symbols: the tokens of more than one character that a word is made of before anything is joined.
  init(_ merges: [BPE.Merge], symbols: Set<Int32>) {
    guard let ends = Self.ends(merges, symbols: symbols) else {
      bridges = nil
      return
    }
    var bridges = MergeTable(capacity: merges.count)
    for merge in merges {
      // A merge of a token that nothing makes never happens.
      guard let left = ends[merge.left, default: (merge.left, merge.left)],
        let right = ends[merge.right, default: (merge.right, merge.right)]
      else { continue }
      guard let joined = ends[merge.joined] ?? nil, joined == (left.first, right.last) else {
        self.bridges = nil
        return
      }
      bridges.insert(left.last, right.first, rank: 0, id: 0)
    }
    self.bridges = bridges
  }

  /// After so many rounds of merges used before they are made the search is given up.
  private static let longestDetour = 64

  private typealias Ends = (first: Int32, last: Int32)

  /// The first and the last symbol of every token that merges make, nil for one that they cannot.
  private static func ends(_ merges: [BPE.Merge], symbols: Set<Int32>) -> [Int32: Ends?]? {
    var ends: [Int32: Ends?] = [:]
    for merge in merges {
      // A part of no characters would make a token out of itself.
      if merge.joined == merge.left || merge.joined == merge.right { return nil }
      if symbols.contains(merge.joined) { return nil }
      ends[merge.joined] = .some(nil)
    }
    // Files converted from other formats may use a token before the merge that makes it.
    var left = merges
    for _ in 0..<longestDetour {
      let before = left.count
      left.removeAll { merge in
        if let known = ends[merge.joined], known != nil { return true }
        guard let first = ends[merge.left, default: (merge.left, merge.left)],
          let last = ends[merge.right, default: (merge.right, merge.right)]
        else { return false }
        ends[merge.joined] = (first.first, last.last)
        return true
      }
      if left.isEmpty || left.count == before { return ends }
    }
    return nil
  }

  /// Whether a word may be cut between two neighbouring symbols.
  func canCut(_ left: Int32, _ right: Int32) -> Bool {
    bridges.map { !$0.contains(left, right) } ?? false
  }
}
