/// The elements of a tensor that are made each time they are asked for, so that they take no memory between.
package struct StreamedTensor {
  /// The size of every axis.
  package let shape: [Int]
  /// Makes all elements.
  package let make: () -> Tensor
  /// Makes the elements of a range of the row-major order, `[count]`; nil where all have to be made at once.
  package let piece: ((Range<Int>) -> Tensor)?

  /// The most elements of a piece.
  package static let pieceCount = 1 << 21

  /// A tensor from what makes it.
  package init(
    _ shape: [Int], piece: ((Range<Int>) -> Tensor)? = nil, make: @escaping () -> Tensor
  ) {
    (self.shape, self.piece, self.make) = (shape, piece, make)
  }

  /// The number of elements.
  package var count: Int { shape.reduce(1, *) }

  /// Runs `body` with the elements in row-major order, in pieces where they can be made so.
  package func forEachPiece<Failure: Error>(
    _ body: (Tensor) throws(Failure) -> Void
  ) throws(Failure) {
    guard let piece else { return try body(make()) }
    for start in stride(from: 0, to: count, by: Self.pieceCount) {
      try body(piece(start..<min(count, start + Self.pieceCount)))
    }
  }
}
