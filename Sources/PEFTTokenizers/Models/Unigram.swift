import PEFTJSON

/// Unigram: a word is cut into the tokens whose scores have the highest sum.
struct Unigram: TokenizerModel {
  /// How much lower than all scores that of an unknown character is.
  private static let unknownPenalty = 10.0

  let vocabulary: Vocabulary
  private let scores: [Double]
  private let trie: ByteTrie
  private let unknown: Int32?
  private let unknownScore: Double
  /// The ids of the 256 byte tokens (-1 for none) where unknown text becomes bytes.
  private let byteTokens: [Int32]?

  /// Reads the `model` of a tokenizer.json.
  init(reading object: inout ObjectReader) throws(TokenizerError) {
    let list = try object.required("vocab")
    let elements = try list.elements()
    var vocabulary = Vocabulary(capacity: elements.count)
    var scores: [Double] = []
    for (id, element) in elements.enumerated() {
      let pair = try element.elements()
      if pair.count != 2 { throw element.invalid(expected: "a token and its score") }
      guard let score = pair[1].json.number, score.isFinite else {
        throw pair[1].invalid(expected: "a finite number")
      }
      let token = try pair[0].string()
      if let other = vocabulary.id(of: Array(token.utf8)) {
        throw element.invalid(expected: "a token other than that of \(list.name)[\(other)]")
      }
      vocabulary.insert(Array(token.utf8), id: Int32(id))
      scores.append(score)
    }
    if elements.isEmpty { throw list.invalid(expected: "at least one token") }
    var unknown: Int32?
    if let field = object.optional("unk_id") {
      let id = try field.id()
      if Int(id) >= elements.count {
        throw field.invalid(expected: "an id below \(elements.count)")
      }
      unknown = id
    }
    let fallsBack = try object.bool("byte_fallback", missing: false)
    try object.finish()
    self.init(vocabulary, scores: scores, unknown: unknown, fallsBackToBytes: fallsBack)
  }

  /// Puts a model together out of tokens and a score for each.
  init(_ vocabulary: Vocabulary, scores: [Double], unknown: Int32?, fallsBackToBytes: Bool) {
    self.vocabulary = vocabulary
    self.scores = scores
    self.unknown = unknown
    unknownScore = (scores.min() ?? 0) - Self.unknownPenalty
    trie = ByteTrie(vocabulary)
    byteTokens =
      fallsBackToBytes
      ? (0..<256).map { vocabulary.id(of: BPE.byteToken(UInt8($0))) ?? -1 } : nil
  }

  /// The best way found to a place in a word.
  private struct Node {
    var score = 0.0
    var start: Int32 = -1
    var id: Int32 = -1
  }

  func encode(_ words: Words, into tokens: inout TokenRow) {
    var nodes: [Node] = []
    var path: [Range<Int>] = []
    words.forEach { word in
      findPath(words.text.bytes, word, &nodes, &path)
      for part in path.reversed() { append(words.text, part, into: &tokens) }
      tokens.wordCount += 1
    }
  }

  /// Finds the parts of a word, the last first; neighbouring unknown ones make one part.
  private func findPath(
    _ bytes: [UInt8], _ word: Range<Int>, _ nodes: inout [Node], _ path: inout [Range<Int>]
  ) {
    nodes.removeAll(keepingCapacity: true)
    nodes.append(contentsOf: repeatElement(Node(), count: word.count + 1))
    var start = 0
    while start < word.count {
      let length = UTF8Reading.length(bytes[word.lowerBound + start])
      let score = nodes[start].score
      var hasCharacter = false
      var node = ByteTrie.root
      var end = start
      while end < word.count {
        node = trie.next(node, bytes[word.lowerBound + end])
        if node < 0 { break }
        end += 1
        let id = trie.ids[Int(node)]
        if id < 0 { continue }
        if end - start == length { hasCharacter = true }
        let candidate = score + scores[Int(id)]
        if nodes[end].start < 0 || candidate > nodes[end].score {
          nodes[end] = Node(score: candidate, start: Int32(start), id: id)
        }
      }
      if !hasCharacter {
        let candidate = score + unknownScore
        let end = start + length
        if nodes[end].start < 0 || candidate > nodes[end].score {
          nodes[end] = Node(score: candidate, start: Int32(start), id: unknown ?? -1)
        }
      }
      start += length
    }
    path.removeAll(keepingCapacity: true)
    var end = word.count
    var unknownEnd = -1
    while end > 0 {
      let node = nodes[end]
      if node.id == unknown ?? -1 {
        if unknownEnd < 0 { unknownEnd = end }
      } else {
        if unknownEnd >= 0 {
          path.append(word.lowerBound + end..<word.lowerBound + unknownEnd)
          unknownEnd = -1
        }
        path.append(word.lowerBound + Int(node.start)..<word.lowerBound + end)
      }
      end = Int(node.start)
    }
    if unknownEnd >= 0 { path.append(word.lowerBound..<word.lowerBound + unknownEnd) }
  }

  private func append(_ text: Text, _ part: Range<Int>, into tokens: inout TokenRow) {
    if let id = vocabulary.id(of: text.bytes, in: part) {
      tokens.append(id, text, part)
    } else if let byteTokens, part.allSatisfy({ byteTokens[Int(text.bytes[$0])] >= 0 }) {
      for position in part { tokens.append(byteTokens[Int(text.bytes[position])], text, part) }
    } else if let unknown {
      tokens.append(unknown, text, part)
    }
  }
}
