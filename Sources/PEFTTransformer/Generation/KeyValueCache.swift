import PEFTTensor

/// The keys and values of the tokens that a model has seen, by layer, in memory that is taken once.
public final class KeyValueCache {
  /// How many tokens a row can hold.
  public let capacity: Int
  /// How many it holds.
  public private(set) var length = 0
  private var keys: [Tensor]
  private var values: [Tensor]

  /// An empty cache.
  ///
  /// - Parameters:
  ///   - configuration: of the model that fills it.
  ///   - batch: B.
  ///   - capacity: how many tokens a row can hold.
  public init(_ configuration: TransformerConfiguration, batch: Int, capacity: Int) {
    self.capacity = capacity
    let width = configuration.keyValueHeads * configuration.headWidth
    let shape = [batch, capacity, width]
    keys = (0..<configuration.layers).map { _ in Tensor(uninitialized: shape) }
    values = keys.map { _ in Tensor(uninitialized: shape) }
  }

  /// The memory that the keys and values take, in bytes.
  public var byteCount: Int { (keys + values).reduce(0) { $0 + $1.count * 4 } }

  /// What every layer holds, `[B, length, G * K]` each; a copy.
  var layers: [(keys: Tensor, values: Tensor)] {
    zip(keys, values).map { keys, values in
      (keys.sliced(axis: 1, 0..<length).copied(), values.sliced(axis: 1, 0..<length).copied())
    }
  }

  /// Adds the keys and values of new tokens and returns all; `advance` makes them count once every layer has added its own.
  ///
  /// The tensors returned reach to the capacity: spans keep queries from what is not filled.
  func extend(layer: Int, keys newKeys: Tensor, values newValues: Tensor) -> (Tensor, Tensor) {
    precondition(
      length + newKeys.shape[1] <= capacity,
      "KeyValueCache: \(length) and \(newKeys.shape[1]) tokens in a capacity of \(capacity)")
    keys[layer].overwrite(with: newKeys, at: length)
    values[layer].overwrite(with: newValues, at: length)
    return (keys[layer], values[layer])
  }

  /// Counts tokens that every layer has added.
  func advance(by count: Int) { length += count }

  /// Forgets all tokens, and keeps the memory.
  func removeAll() { length = 0 }
}
