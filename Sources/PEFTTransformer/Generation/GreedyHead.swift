package import PEFTTensor

/// A head that tells the token with the largest logit without computing most logits.
package struct GreedyHead {
  private let head: Linear
  private let screen: ScreenedMatrix
  private let revision: [Int]

  /// Elements of a head from which on reading it takes a good part of the time of a token.
  private static let large = 1 << 22
  /// New tokens after which the time that a screen takes to make has been won back twice.
  private static let worthwhileTokens = 16

  /// Whether a screen of this head wins time within so many tokens.
  package static func pays(_ head: Linear, newTokens: Int) -> Bool {
    newTokens >= worthwhileTokens && head.weight.count >= large
  }

  /// Makes a screen, for as long as it is used.
  ///
  /// Nil where logits are more than products with rows in float32, by an adapter, a bias or another storage, and where a
  /// weight is not finite.
  ///
  /// - Parameter head: D to V.
  package init?(_ head: Linear) {
    guard Self.isPlain(head),
      case .tensor(let weight, .outputInput) = head.weight.operand(.outputInput),
      let screen = ScreenedMatrix(weight)
    else { return nil }
    (self.head, self.screen, revision) = (head, screen, head.weight.revision)
  }

  /// The token with the largest logit, of equal ones the first.
  ///
  /// - Parameter hidden: what the head gets for one place.
  /// - Returns: nil where all logits have to be computed, also because the head was changed.
  package func token(_ hidden: Tensor) -> Int32? {
    guard Self.isPlain(head), head.weight.revision == revision else { return nil }
    return screen.largestProduct(with: hidden).map { Int32($0.row) }
  }

  private static func isPlain(_ head: Linear) -> Bool {
    head.adapter == nil && head.bias == nil && head.layout == .outputInput
  }
}
