import Synchronization

/// The memory a BPE model works in, kept from one text to the next.
struct Workspace: Sendable {
  /// The symbols of the current word.
  var symbols: [Int32] = []
  /// The ranks of the pairs of a short word.
  var ranks: [UInt32] = []
  /// The pairs of a long word that can be joined.
  var heap = MergeHeap()
  /// For each symbol of a long word the one before it, -1 for none.
  var previous: [Int32] = []
  /// For each symbol of a long word the one after it.
  var next: [Int32] = []
  /// The tokens of words seen lately.
  var cache = WordCache()

  /// Lets go of the memory that one very long word took.
  mutating func trim() {
    if symbols.capacity > 1 << 18 {
      self = Workspace(cache: cache)
    }
  }
}

/// Workspaces not in use, one for each encoder that ever ran at the same time as others.
final class WorkspacePool: Sendable {
  private let free = Mutex<[Workspace]>([])

  /// Takes a workspace out, or makes one.
  func take() -> Workspace { free.withLock { $0.popLast() } ?? Workspace() }

  /// Puts a workspace back.
  func give(_ workspace: consuming Workspace) {
    workspace.trim()
    free.withLock { [workspace] in $0.append(workspace) }
  }
}
