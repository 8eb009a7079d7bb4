package import PEFTTensor

/// The keys and values of the tokens that a model has seen, by layer and row, in blocks of tokens.
///
/// Rows take blocks as they grow, and let go of those that fell out of a sliding window. Padding takes none. Rows that begin alike can
/// share the blocks of their common beginning.
public final class KeyValueCache {
  /// How keys and values are kept.
  public enum Storage: String, Sendable, Hashable, CaseIterable {
    /// As they are.
    case float32
    /// As codes of eight bits, between the bounds of small groups; the last tokens as they are.
    case bit8 = "8bit"
    /// As codes of four bits.
    case bit4 = "4bit"

    var bits: Int {
      switch self {
      case .float32: 32
      case .bit8: 8
      case .bit4: 4
      }
    }
  }

  /// How the rows are cut and kept.
  package struct Options {
    /// How keys and values are kept.
    package var storage = Storage.float32
    /// How many tokens a block holds.
    package var blockTokens = 64
    /// How many tokens at the end of a row are never codes.
    package var recentTokens = 64
    /// Whether blocks behind a sliding window are let go.
    package var followsWindows = true
    /// Whether rows that begin alike share that.
    package var sharesBeginnings = true

    /// The usual ones.
    package init(_ storage: Storage = .float32) { self.storage = storage }
  }

  /// How many it has, with padding and what adapters put before the tokens.
  private(set) var length = 0
  /// The place of the first token of each row.
  private let starts: [Int]
  private let options: Options
  private let windows: [Int?]
  private let size: KeyValueBlock.Size
  /// By layer and row.
  private var rows: [[KeyValueRow]]
  private var isEnded: [Bool]

  /// An empty cache.
  ///
  /// - Parameters:
  ///   - configuration: of the model that fills it.
  ///   - starts: the first place of each row that is no padding.
  ///   - options: how rows are kept.
  package init(
    _ configuration: TransformerConfiguration, starts: [Int], _ options: Options = Options()
  ) {
    (self.starts, self.options) = (starts, options)
    windows = configuration.slidingWindows
    size = KeyValueBlock.Size(
      tokens: options.blockTokens, heads: configuration.keyValueHeads,
      width: configuration.headWidth)
    let empty = starts.map { [size] _ in KeyValueRow(size) }
    rows = Array(repeating: empty, count: configuration.layers)
    isEnded = starts.map { _ in false }
  }

  /// The memory that the keys and values take, in bytes; what rows share counts once.
  public var byteCount: Int {
    var seen: Set<ObjectIdentifier> = []
    return rows.joined().lazy.flatMap(\.heldBlocks).reduce(0) { sum, block in
      seen.insert(ObjectIdentifier(block)).inserted ? sum + block.byteCount : sum
    }
  }

  /// What every layer holds of rows without padding, `[B, length, G * K]` each; a copy.
  var layers: [(keys: Tensor, values: Tensor)] {
    rows.map { layer in
      let numbers = layer.map { $0.numbers($0.start..<$0.length) }
      let shape = [layer.count, length, size.heads * size.width]
      return (
        Tensor.concatenated(numbers.map(\.keys), axis: 0).reshaped(shape),
        Tensor.concatenated(numbers.map(\.values), axis: 0).reshaped(shape)
      )
    }
  }

  /// Adds the keys and values of new places `[B, T, G * K]`, but those of padding and of tokens that it has.
  ///
  /// `advance` makes the places count once every layer has added its own.
  package func extend(layer: Int, keys: Tensor, values: Tensor) {
    let count = keys.shape[1]
    for row in starts.indices where !isEnded[row] {
      let first = max(0, starts[row] + rows[layer][row].length - length)
      if first >= count { continue }
      rows[layer][row].append(
        keys: keys.entry(row).leading(first..<count),
        values: values.entry(row).leading(first..<count))
    }
  }

  /// Attention of `[B, T, H * K]` to all that a layer holds; spans count places.
  func attention(
    layer: Int, _ query: Tensor, spans: AttentionSpans, scale: Float
  ) -> Tensor {
    func tokens(_ bounds: [Int32]) -> [Int32] {
      bounds.enumerated().map { place, bound in
        let row = place / max(1, spans.queries)
        return isEnded[row] ? 0 : bound - Int32(starts[row])
      }
    }
    let own = AttentionSpans(
      low: tokens(spans.low), high: tokens(spans.high), batch: spans.batch,
      queries: spans.queries)
    return query.attention(over: rows[layer], size, spans: own, scale: scale)
  }

  /// Lets go of what no later token of a layer sees, and brings what is old into codes.
  package func settle(layer: Int) {
    for row in starts.indices {
      if options.followsWindows, let window = windows[layer] {
        rows[layer][row].drop(before: rows[layer][row].length - window + 1)
      }
      rows[layer][row].encode(bits: options.storage.bits, keeping: options.recentTokens)
    }
  }

  /// Gives all rows, which have no tokens yet, those of the only row of another cache.
  package func share(_ other: KeyValueCache) {
    precondition(length == 0 && other.starts == [0], "KeyValueCache: rows cannot share these")
    rows = other.rows.map { layer in starts.map { _ in layer[0] } }
    length = other.length
  }

  /// Gives back the memory of a row, which sees and keeps nothing from now on.
  package func end(row: Int) {
    isEnded[row] = true
    for layer in rows.indices { rows[layer][row] = KeyValueRow(size) }
  }

  /// Counts places that every layer has added.
  package func advance(by count: Int) { length += count }

  /// Forgets all tokens.
  func removeAll() {
    length = 0
    rows = rows.map { $0.map { [size] _ in KeyValueRow(size) } }
  }
}
