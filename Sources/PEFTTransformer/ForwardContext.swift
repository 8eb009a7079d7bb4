public import PEFTTensor

/// What every layer of one forward pass needs to know beside its input.
public struct ForwardContext {
  /// Which keys the tokens see.
  public var visible: VisibleKeys
  /// The position of every token, `[B, T]`.
  public var positions: Indices
  /// Draws the masks of dropout; nil outside training, where nothing is dropped.
  public var dropout: DropoutKeys?
  /// The keys and values of earlier tokens, which this pass extends; nil where there are none.
  public var cache: KeyValueCache?
  /// The flattened tokens of each row of the batch; empty where the leading axis of every input counts the rows.
  public var rows: [Range<Int>] = []
  /// How many positions the whole sequence has by now, for positions that are scaled by it.
  public var sequenceLength: Int
  /// What adapters put before the first token of every sequence.
  public var virtual: VirtualTokens

  /// A context from its parts.
  public init(
    visible: VisibleKeys, positions: Indices, dropout: DropoutKeys? = nil,
    cache: KeyValueCache? = nil, sequenceLength: Int, virtual: VirtualTokens = VirtualTokens()
  ) {
    (self.visible, self.positions, self.dropout) = (visible, positions, dropout)
    (self.cache, self.sequenceLength) = (cache, sequenceLength)
    self.virtual = virtual
  }

  /// Whether this pass begins the sequences, so that what stands before their tokens is put in now.
  var isFirst: Bool { (cache?.length ?? 0) == 0 }

  /// A context for layers that know no positions, as those of a model without attention.
  ///
  /// - Parameter dropout: draws the masks of dropout; nil outside training.
  public init(dropout: DropoutKeys? = nil) {
    self.init(
      visible: .segments([]), positions: Indices([], shape: [0, 0]), dropout: dropout,
      sequenceLength: 0)
  }
}

/// A seeded sequence of keys for dropout, one for every mask of a training run.
public final class DropoutKeys {
  /// How many keys were drawn; set it back to draw the same ones again.
  public var drawn: UInt64 = 0
  /// Processes that draw at the same pace, each for rows of its own, have different masks by different numbers; 0 for one
  /// process.
  public var stream: UInt64 = 0
  private let seed: UInt64

  /// The same seed gives the same masks.
  public init(seed: UInt64) { self.seed = Generator.mix(seed &+ 0x5851_F42D_4C95_7F2D) }

  /// The next key.
  public func next() -> UInt64 {
    drawn += 1
    let key = Generator.mix(seed ^ drawn &* 0x9E37_79B9_7F4A_7C15)
    return stream == 0 ? key : Generator.mix(key &+ stream &* 0xD1B5_4A32_D192_ED03)
  }
}

extension ForwardContext {
  /// The same for a choice of the tokens, ascending.
  func choosing(_ places: Indices) -> ForwardContext {
    var (result, start) = (self, 0)
    for (index, range) in rows.enumerated() {
      let end = places.values[start...].firstIndex { Int($0) >= range.upperBound } ?? places.count
      result.rows[index] = start..<end
      start = end
    }
    return result
  }
}

extension Tensor {
  /// Dropout in training, the tensor itself elsewhere.
  package func dropped(_ probability: Float, _ keys: DropoutKeys?) -> Tensor {
    guard probability > 0, let keys else { return self }
    return dropout(probability, key: keys.next())
  }
}
