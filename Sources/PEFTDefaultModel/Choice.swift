internal import PEFTTensor

/// Draws for generated text: the same seed gives the same bytes on every machine and with every
/// standard library.
extension Generator {
  /// A number in `0..<count`, all but equally likely.
  mutating func below(_ count: Int) -> Int {
    precondition(count > 0, "below: count \(count)")
    return Int(next().multipliedFullWidth(by: UInt64(count)).high)
  }

  /// A number in a range.
  mutating func pick(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.count)
  }

  /// One of the items.
  mutating func pick<Item>(_ items: [Item]) -> Item { items[below(items.count)] }

  /// True in one of `count` draws.
  mutating func oneIn(_ count: Int) -> Bool { below(count) == 0 }

  /// `count` different items, in random order.
  mutating func pick<Item>(_ count: Int, of items: [Item]) -> [Item] {
    var rest = items
    return (0..<count).map { _ in rest.remove(at: below(rest.count)) }
  }
}
