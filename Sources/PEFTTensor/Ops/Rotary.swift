internal import Foundation

/// Cosines and sines of rotary position embedding (arXiv 2104.09864), by position.
public struct RotaryTable {
  /// `[positions, rotated / 2]`.
  let cosine: Tensor
  /// `[positions, rotated / 2]`.
  let sine: Tensor

  /// A table from the frequencies of the pairs.
  ///
  /// - Parameters:
  ///   - frequencies: radians a position, one for each pair of elements of a head.
  ///   - positions: how many positions, from 0.
  ///   - factor: multiplies cosines and sines (the attention factor of some scalings).
  public init(frequencies: [Double], positions: Int, factor: Double = 1) {
    // PyTorch computes the angle in float32 before it takes the cosine.
    let angles = (0..<positions).flatMap { position in
      frequencies.map { Float(position) * Float($0) }
    }
    let shape = [positions, frequencies.count]
    cosine = Tensor(angles.map { Float(Foundation.cos(Double($0)) * factor) }, shape: shape)
    sine = Tensor(angles.map { Float(Foundation.sin(Double($0)) * factor) }, shape: shape)
  }

  /// How many positions the table covers.
  public var positions: Int { cosine.shape[0] }
}

extension Tensor {
  /// Turns every head by its row's position: the pairs `(x[j], x[j + rotated / 2])`, as Hugging Face lays them out.
  ///
  /// Saves nothing but the positions; backward turns back.
  ///
  /// - Parameters:
  ///   - headWidth: K; the last axis is H * K wide.
  ///   - table: covers every position.
  ///   - positions: one for each row.
  /// - Returns: a tensor of the same shape.
  public func rotated(headWidth: Int, table: RotaryTable, positions: Indices) -> Tensor {
    precondition(
      positions.count == rows && columns % headWidth == 0
        && table.cosine.columns * 2 <= headWidth,
      "rotated: shape \(shape), head width \(headWidth), \(positions.count) positions")
    precondition(
      positions.values.allSatisfy { $0 >= 0 && Int($0) < table.positions },
      "rotated: a position is outside the table of \(table.positions)")
    let result = Tensor(uninitialized: shape)
    Kernels.rotary(
      self, headWidth: headWidth, table: table, positions: positions.values, direction: 1,
      to: result)
    return result.recorded(from: [self]) { gradient, inputs in
      gradient = gradient.contiguous
      let target = gradient.reusedOrNew()
      Kernels.rotary(
        gradient, headWidth: headWidth, table: table, positions: positions.values, direction: -1,
        to: target)
      inputs[0]?.accumulate(target)
    }
  }
}
