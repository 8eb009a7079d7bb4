/// Learns byte pair merges from a text, as GPT-2's vocabulary was made.
///
/// The most frequent pair of neighbouring tokens within words becomes a token, again and again. Of
/// equally frequent pairs the one with the lower ids is taken, so the same text gives the same merges.
struct BytePairTrainer {
  /// Two tokens that are joined.
  struct Pair: Hashable, Comparable {
    var left: Int
    var right: Int
    static func < (a: Pair, b: Pair) -> Bool { (a.left, a.right) < (b.left, b.right) }
  }

  /// The bytes of every token: the 256 bytes, then one for each merge.
  private(set) var tokens: [[UInt8]] = (0...255).map { [UInt8($0)] }
  /// The merges, the first learnt first.
  private(set) var merges: [Pair] = []

  /// Learns merges until there are `count` tokens or no pair occurs twice.
  ///
  /// - Complexity: the number of merges times the length of all different words.
  init(_ text: String, tokens count: Int) {
    var words = Self.words(of: text)
    while tokens.count < count {
      var counts: [Pair: Int] = [:]
      for word in words {
        for (left, right) in zip(word.ids, word.ids.dropFirst()) {
          counts[Pair(left: left, right: right), default: 0] += word.count
        }
      }
      let best = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
      guard let (pair, frequency) = best, frequency > 1 else { return }
      let id = tokens.count
      tokens.append(tokens[pair.left] + tokens[pair.right])
      merges.append(pair)
      for index in words.indices { words[index].join(pair, into: id) }
    }
  }

  /// A word that occurs `count` times.
  private struct Word {
    var ids: [Int]
    var count: Int

    mutating func join(_ pair: Pair, into id: Int) {
      guard ids.contains(pair.left) else { return }
      var joined: [Int] = []
      var index = 0
      while index < ids.count {
        if index + 1 < ids.count, ids[index] == pair.left, ids[index + 1] == pair.right {
          joined.append(id)
          index += 2
        } else {
          joined.append(ids[index])
          index += 1
        }
      }
      ids = joined
    }
  }

  /// The different words of a text: letters, digits or other signs, with a space before where it is.
  ///
  /// No word reaches across two of GPT-2's pattern, so every merge can be used.
  private static func words(of text: String) -> [Word] {
    var counts: [[UInt8]: Int] = [:]
    var word: [UInt8] = []
    var kind = -1
    for byte in text.utf8 {
      let next: Int
      switch byte {
      case 0x20, 0x0A: next = 0
      case 0x30...0x39: next = 1
      case 0x41...0x5A, 0x61...0x7A, 0x80...: next = 2
      default: next = 3
      }
      let continues = next == kind || (word == [0x20] && next != 0)
      if !continues, !word.isEmpty {
        counts[word, default: 0] += 1
        word = []
      }
      word.append(byte)
      kind = next
    }
    if !word.isEmpty { counts[word, default: 0] += 1 }
    return counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      .map { Word(ids: $0.key.map(Int.init), count: $0.value) }
  }
}
