internal import Synchronization

/// Counts the arithmetic of this process, for measures of speed.
package enum Arithmetic {
  private static let counter = Atomic<Int>(0)

  /// How many multiplications and additions matrix products and attention have done so far; what is elementwise does not count.
  package static var operations: Int { counter.load(ordering: .relaxed) }

  /// Counts a product.
  static func count(multiplyAdds: Int) {
    counter.wrappingAdd(2 * multiplyAdds, ordering: .relaxed)
  }
}
