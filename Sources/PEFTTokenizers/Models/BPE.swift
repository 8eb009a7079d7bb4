/// Byte-pair encoding: symbols of a word are joined, the pair of the lowest rank first.
struct BPE: TokenizerModel {
  let vocabulary: Vocabulary
  /// The pairs that are joined.
  let merges: MergeTable
  /// Where a word may be taken apart without changing the result.
  let cuts: CutTable
  /// The id for symbols outside the vocabulary, nil where they are left out.
  let unknown: Int32?
  /// Whether neighbouring unknown symbols become one token.
  let fusesUnknown: Bool
  /// Whether a word that is a token as a whole is taken as it is.
  let ignoresMerges: Bool
  /// The ids of the 256 byte tokens (-1 for none) where symbols outside the vocabulary become bytes.
  let byteTokens: [Int32]?
  /// The ids of the characters below U+0800, -1 for none.
  let shortSymbols: [Int32]
  private let workspaces = WorkspacePool()

  /// Puts a model together.
  ///
  /// - Parameters:
  ///   - vocabulary: the tokens.
  ///   - merges: the pairs of tokens in the order of their ranks.
  ///   - settings: the rest.
  init(vocabulary: Vocabulary, merges: [Merge], settings: Settings) {
    self.vocabulary = vocabulary
    var table = MergeTable(capacity: merges.count)
    for (rank, merge) in merges.enumerated() {
      table.insert(merge.left, merge.right, rank: UInt32(rank), id: merge.joined)
    }
    self.merges = table
    unknown = settings.unknown
    fusesUnknown = settings.fusesUnknown
    ignoresMerges = settings.ignoresMerges
    byteTokens =
      settings.fallsBackToBytes
      ? (0..<256).map { vocabulary.id(of: Self.byteToken(UInt8($0))) ?? -1 } : nil
    cuts = CutTable(merges, symbols: Set((byteTokens ?? []) + (unknown.map { [$0] } ?? [])))
    shortSymbols = (UInt32(0)..<0x800).map { point in
      Unicode.Scalar(point).flatMap { vocabulary.id(of: Array(String($0).utf8)) } ?? -1
    }
  }

  /// Two tokens and the one they are joined to.
  struct Merge: Sendable {
    /// The token on the left.
    var left: Int32
    /// The token on the right.
    var right: Int32
    /// Both in one.
    var joined: Int32
  }

  /// What a model has besides tokens and merges.
  struct Settings: Sendable {
    /// The id for symbols outside the vocabulary, nil where they are left out.
    var unknown: Int32?
    /// Whether neighbouring unknown symbols become one token.
    var fusesUnknown = false
    /// Whether a word that is a token as a whole is taken as it is.
    var ignoresMerges = false
    /// Whether symbols outside the vocabulary become byte tokens.
    var fallsBackToBytes = false
  }

  private static func byteToken(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
  }

  func encode(_ words: Words, into ids: inout [Int32]) {
    var workspace = workspaces.take()
    ids.reserveCapacity(ids.count + words.bytes.count / 3)
    var start = 0
    for end in words.ends {
      if ignoresMerges, let id = vocabulary.id(of: words.bytes, in: start..<end) {
        ids.append(id)
      } else {
        workspace.symbols.removeAll(keepingCapacity: true)
        appendSymbols(of: words.bytes, in: start..<end, to: &workspace.symbols)
        join(&workspace, into: &ids)
      }
      start = end
    }
    workspaces.give(workspace)
  }
}
