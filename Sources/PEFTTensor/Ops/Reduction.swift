extension Tensor {
  /// The sum of all elements, a scalar.
  ///
  /// Saves nothing.
  public func sum() -> Tensor {
    Tensor(Kernels.sum(contiguous.detached)).recorded(from: [self]) { gradient, inputs in
      let value = gradient.item
      inputs[0]?.accumulate { destination, beta in
        beta == 0
          ? Kernels.fill(destination, with: value)
          : Kernels.affine(destination, scale: 1, shift: value, to: destination)
      }
    }
  }

  /// The mean of all elements, a scalar; NaN where there are none.
  ///
  /// Saves nothing.
  public func mean() -> Tensor { sum() / Float(count) }

  /// The sum over one axis, which is dropped.
  ///
  /// Saves nothing.
  public func sum(axis: Int) -> Tensor {
    precondition(shape.indices.contains(axis), "sum: axis \(axis) of shape \(shape)")
    let kept = Array(shape[..<axis] + [1] + shape[(axis + 1)...])
    let result = Tensor(zeros: kept)
    Kernels.addBroadcast(contiguous.detached, into: result)
    let shape = shape
    return result.recorded(from: [self]) { gradient, inputs in
      inputs[0]?.accumulate(gradient.reshaped(kept).broadcast(to: shape))
    }
    .reshaped(Array(shape[..<axis] + shape[(axis + 1)...]))
  }

  /// The mean over one axis, which is dropped.
  ///
  /// Saves nothing.
  public func mean(axis: Int) -> Tensor {
    precondition(shape.indices.contains(axis), "mean: axis \(axis) of shape \(shape)")
    return sum(axis: axis) / Float(shape[axis])
  }

  /// The largest element of every row of the last axis, which is dropped.
  ///
  /// The gradient goes to the first largest element. Saves its place. `-infinity` for empty rows.
  public func maximum() -> Tensor {
    let x = detached.contiguous
    let places = Kernels.rowMaximumPlaces(x)
    let (rows, columns) = (rows, columns)
    let values = zip(places, 0..<rows).map { place, row in
      place < 0 ? -Float.infinity : Kernels.element(x, row: row, column: place)
    }
    return Tensor(values, shape: Array(shape.dropLast())).recorded(from: [self]) {
      gradient, inputs in
      let values = gradient.array
      inputs[0]?.accumulateFromZero { whole in
        for (row, place) in places.enumerated() where place >= 0 {
          Kernels.addElement(
            values[row], to: whole.reshaped([rows, columns]), row: row, column: place)
        }
      }
    }
  }

  /// The place of the largest element of every row, the first among equals.
  public func maximumPlaces() -> [Int] { Kernels.rowMaximumPlaces(detached.contiguous) }

  /// The sum of the squares of all elements, in double precision.
  public var sumOfSquares: Double { Kernels.sumOfSquares(contiguous.detached) }

  /// Whether every element is a finite number.
  public var isFinite: Bool { Kernels.allFinite(contiguous.detached) }
}
