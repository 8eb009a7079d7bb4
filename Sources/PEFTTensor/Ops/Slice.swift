extension Tensor {
  /// The columns `range` of every row: a view of the last axis.
  ///
  /// Saves nothing; backward adds into the same columns of the gradient.
  public func columns(_ range: Range<Int>) -> Tensor {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= columns && !shape.isEmpty,
      "columns: \(range) of shape \(shape)")
    let part = Tensor(
      storage: storage, offset: offset + range.lowerBound,
      shape: shape.dropLast() + [range.count], rowStride: rowStride)
    return part.recorded(from: [self]) { gradient, inputs in
      inputs[0]?.accumulateFromZero { whole in
        let region = Tensor(
          storage: whole.storage, offset: whole.offset + range.lowerBound,
          shape: whole.shape.dropLast() + [range.count], rowStride: whole.rowStride)
        Kernels.add(gradient, into: region)
      }
    }
  }

  /// The entries `range` of the first axis: a view.
  ///
  /// Saves nothing; backward adds into the same entries of the gradient.
  public func prefixAxis(_ range: Range<Int>) -> Tensor {
    precondition(
      shape.count > 1 && range.lowerBound >= 0 && range.upperBound <= shape[0],
      "prefixAxis: \(range) of shape \(shape)")
    return leading(range).recorded(from: [self]) { gradient, inputs in
      inputs[0]?.accumulateFromZero { Kernels.add(gradient, into: $0.leading(range)) }
    }
  }

  /// A view of the first axis that is not recorded.
  package func leading(_ range: Range<Int>) -> Tensor {
    let rowsEach = shape.dropFirst().dropLast().reduce(1, *)
    return Tensor(
      storage: storage, offset: offset + range.lowerBound * rowsEach * rowStride,
      shape: [range.count] + shape.dropFirst(), rowStride: rowStride)
  }

  /// The entries `range` of axis `axis`: a view of the first or last axis, a copy of another.
  public func sliced(axis: Int, _ range: Range<Int>) -> Tensor {
    precondition(shape.indices.contains(axis), "sliced: axis \(axis) of shape \(shape)")
    if axis == shape.count - 1 { return columns(range) }
    if axis == 0 { return prefixAxis(range) }
    precondition(
      range.lowerBound >= 0 && range.upperBound <= shape[axis],
      "sliced: \(range) of axis \(axis) of shape \(shape)")
    let outer = shape[..<axis].reduce(1, *)
    let inner = Array(shape[(axis + 1)...])
    let result = Tensor(uninitialized: shape[..<axis] + [range.count] + inner)
    let whole = reshaped([outer, shape[axis]] + inner).detached
    let parts = result.reshaped([outer, range.count] + inner)
    for index in 0..<outer {
      Kernels.copy(whole.entry(index).leading(range), to: parts.entry(index))
    }
    let size = shape[axis]
    return result.recorded(from: [self]) { gradient, inputs in
      inputs[0]?.accumulateFromZero { whole in
        let whole = whole.reshaped([outer, size] + inner)
        let parts = gradient.reshaped([outer, range.count] + inner)
        for index in 0..<outer {
          Kernels.add(parts.entry(index), into: whole.entry(index).leading(range))
        }
      }
    }
  }

  /// Entry `index` of the first axis, without that axis; not recorded.
  package func entry(_ index: Int) -> Tensor {
    leading(index..<index + 1).reshaped(Array(shape.dropFirst()))
  }
}
