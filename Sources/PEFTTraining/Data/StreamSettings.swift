/// How batches are made from a file while it is read.
public struct StreamSettings: Sendable, Hashable {
  /// What a batch is made of.
  public enum Size: Sendable, Hashable {
    /// A number of rows; the last batch of an epoch has what is left.
    case rows(Int)
    /// As many rows as have about this many tokens together, padding not counted.
    ///
    /// Models skip padding, so that this is what packing rows into sequences of a length saves, without that rows see each other.
    /// On average a batch has at least this number of tokens, and never more than twice as many and a row, counting the longest row where
    /// that is longer.
    case tokens(Int)
  }

  /// What a batch is made of.
  public var size: Size
  /// How many rows are in memory to draw the next one from; 1 for the order of the file.
  public var shuffleBuffer: Int
  /// Chooses the order, together with the number of the epoch.
  public var seed: UInt64
  /// Whether a last batch with fewer rows is left out; batches by tokens have none.
  public var dropsLast: Bool
  /// How many batches are made ahead.
  public var ahead: Int
  /// The id of padding; any valid id does.
  public var padding: Int32
  /// What the file calls the columns that rows have under other names.
  public var names: [String: String]
  /// What becomes of a bad row.
  public var badRows: BadRows

  /// Settings from their parts.
  public init(
    size: Size, shuffleBuffer: Int = 1, seed: UInt64 = 0, dropsLast: Bool = false, ahead: Int = 16,
    padding: Int32 = 0, names: [String: String] = [:], badRows: BadRows = .fail
  ) {
    (self.size, self.shuffleBuffer, self.seed, self.ahead) = (size, shuffleBuffer, seed, ahead)
    (self.dropsLast, self.padding, self.names, self.badRows) = (dropsLast, padding, names, badRows)
  }
}
