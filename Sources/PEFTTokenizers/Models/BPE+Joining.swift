extension BPE {
  /// Up to so many symbols, looking through all pairs beats keeping them in a heap.
  private static let shortWord = 24

  /// Appends the tokens of the word whose symbols are in the workspace.
  ///
  /// - Complexity: O(n log n) in the number of symbols.
  func join(_ workspace: inout Workspace, into ids: inout [Int32]) {
    let count = workspace.symbols.count
    if count <= WordCache.longest {
      if count > 0 { joinPart(&workspace, 0..<count, into: &ids) }
      return
    }
    var start = 0
    for position in 1..<count
    where cuts.canCut(workspace.symbols[position - 1], workspace.symbols[position]) {
      joinPart(&workspace, start..<position, into: &ids)
      start = position
    }
    joinPart(&workspace, start..<count, into: &ids)
  }

  private func joinPart(
    _ workspace: inout Workspace, _ range: Range<Int>, into ids: inout [Int32]
  ) {
    if range.count == 1 {
      ids.append(workspace.symbols[range.lowerBound])
    } else if range.count <= WordCache.longest {
      let place = workspace.cache.place(of: workspace.symbols, in: range)
      if workspace.cache.append(workspace.symbols, in: range, at: place, to: &ids) { return }
      let start = ids.count
      joinShort(&workspace, range, into: &ids)
      workspace.cache.remember(workspace.symbols, in: range, tokens: ids[start...], at: place)
    } else if range.count <= Self.shortWord {
      joinShort(&workspace, range, into: &ids)
    } else {
      joinLinked(&workspace, range)
      for position in range where workspace.symbols[position] >= 0 {
        ids.append(workspace.symbols[position])
      }
    }
  }

  /// Joins the lowest pair until there is none, in place at the end of `ids`.
  private func joinShort(
    _ workspace: inout Workspace, _ range: Range<Int>, into ids: inout [Int32]
  ) {
    let start = ids.count
    for position in range { ids.append(workspace.symbols[position]) }
    workspace.ranks.removeAll(keepingCapacity: true)
    for index in start..<ids.count - 1 {
      workspace.ranks.append(merges.find(ids[index], ids[index + 1]).rank)
    }
    while true {
      var lowest = MergeTable.never
      var place = 0
      for index in workspace.ranks.indices where workspace.ranks[index] < lowest {
        lowest = workspace.ranks[index]
        place = index
      }
      if lowest == MergeTable.never { return }
      let index = start + place
      ids[index] = merges.find(ids[index], ids[index + 1]).id
      ids.remove(at: index + 1)
      workspace.ranks.remove(at: place)
      if place > 0 {
        workspace.ranks[place - 1] = merges.find(ids[index - 1], ids[index]).rank
      }
      if place < workspace.ranks.count {
        workspace.ranks[place] = merges.find(ids[index], ids[index + 1]).rank
      }
    }
  }

  /// Joins pairs out of a heap, over a linked list of the symbols.
  ///
  /// An entry of the heap is stale when the pair at its position has another rank by now. What is joined
  /// stands in the place of its first symbol; `next` tells where the following one is.
  func joinLinked(_ workspace: inout Workspace, _ range: Range<Int>) {
    let base = range.lowerBound
    let count = range.count
    workspace.previous.removeAll(keepingCapacity: true)
    workspace.next.removeAll(keepingCapacity: true)
    for index in 0..<count {
      workspace.previous.append(Int32(index - 1))
      workspace.next.append(Int32(index + 1))
    }
    for index in 0..<count - 1 { push(&workspace, base, index, index + 1) }
    while let entry = workspace.heap.pop() {
      let index = entry.position
      let symbol = workspace.symbols[base + index]
      let following = Int(workspace.next[index])
      if symbol < 0 || following >= count { continue }
      let merge = merges.find(symbol, workspace.symbols[base + following])
      if merge.rank != entry.rank { continue }
      workspace.symbols[base + index] = merge.id
      workspace.symbols[base + following] = -1
      let after = Int(workspace.next[following])
      workspace.next[index] = Int32(after)
      if after < count {
        workspace.previous[after] = Int32(index)
        push(&workspace, base, index, after)
      }
      let before = Int(workspace.previous[index])
      if before >= 0 { push(&workspace, base, before, index) }
    }
  }

  private func push(_ workspace: inout Workspace, _ base: Int, _ left: Int, _ right: Int) {
    let rank = merges.find(workspace.symbols[base + left], workspace.symbols[base + right]).rank
    if rank != MergeTable.never { workspace.heap.push(rank: rank, position: left) }
  }
}
