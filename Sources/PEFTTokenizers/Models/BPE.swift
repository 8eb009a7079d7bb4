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
  /// What the symbols of a word carry in front, but for the first one.
  let prefix: [UInt8]
  /// What the last symbol of a word carries behind.
  let suffix: [UInt8]
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
    prefix = Array(settings.prefix.utf8)
    suffix = Array(settings.suffix.utf8)
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
    /// What the symbols of a word carry in front, but for the first one.
    var prefix = ""
    /// What the last symbol of a word carries behind.
    var suffix = ""
  }

  /// How a byte token is spelled.
  static func byteToken(_ byte: UInt8) -> [UInt8] {
    let digits = Array("0123456789ABCDEF".utf8)
    return Array("<0x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)], UInt8(ascii: ">")]
  }

  func encode(_ words: Words, into tokens: inout TokenRow) {
    var workspace = workspaces.take()
    tokens.ids.reserveCapacity(tokens.ids.count + words.bytes.count / 3)
    if tokens.tracks {
      words.forEach { word in
        encodeTracked(words.text, word, &workspace, into: &tokens)
        tokens.wordCount += 1
      }
    } else {
      encode(words, &workspace, into: &tokens.ids)
    }
    workspaces.give(workspace)
  }

  private func encode(_ words: Words, _ workspace: inout Workspace, into ids: inout [Int32]) {
    let bytes = words.bytes
    let isPlain = prefix.isEmpty && suffix.isEmpty
    var start = 0
    for end in words.ends {
      if ignoresMerges, let id = vocabulary.id(of: bytes, in: start..<end) {
        ids.append(id)
      } else {
        workspace.symbols.removeAll(keepingCapacity: true)
        if isPlain {
          appendSymbols(of: bytes, in: start..<end, to: &workspace.symbols)
        } else {
          appendAffixed(of: bytes, in: start..<end) { id, _ in workspace.symbols.append(id) }
        }
        join(&workspace, into: &ids)
      }
      start = end
    }
  }

  /// Appends the tokens of a word with the bytes that each stands for.
  private func encodeTracked(
    _ text: Text, _ word: Range<Int>, _ workspace: inout Workspace, into tokens: inout TokenRow
  ) {
    if ignoresMerges, let id = vocabulary.id(of: text.bytes, in: word) {
      tokens.append(id, text, word)
      return
    }
    workspace.symbols.removeAll(keepingCapacity: true)
    // Where each symbol ends, counting by lengths as the reference does.
    var ends: [Int] = []
    var end = word.lowerBound
    appendAffixed(of: text.bytes, in: word) { id, length in
      workspace.symbols.append(id)
      // The bytes of a suffix have tokens too where bytes stand for a character that is unknown.
      end = min(end + length, word.upperBound)
      ends.append(end)
    }
    if ends.isEmpty { return }
    joinLinked(&workspace, 0..<ends.count)
    var start = word.lowerBound
    var index = 0
    while index < ends.count {
      let next = Int(workspace.next[index])
      tokens.append(workspace.symbols[index], text, start..<ends[next - 1])
      start = ends[next - 1]
      index = next
    }
  }
}
