extension Tensor {
  /// Tensors that agree in all axes but one, joined along that axis.
  ///
  /// Saves nothing; a copy.
  ///
  /// - Parameters:
  ///   - tensors: at least one.
  ///   - axis: the axis along which they follow each other.
  /// - Returns: the joined tensor.
  public static func concatenated(_ tensors: [Tensor], axis: Int) -> Tensor {
    precondition(!tensors.isEmpty, "concatenated: no tensors")
    let first = tensors[0].shape
    precondition(first.indices.contains(axis), "concatenated: axis \(axis) of shape \(first)")
    for tensor in tensors {
      var shape = tensor.shape
      if shape.count == first.count { shape[axis] = first[axis] }
      precondition(
        shape == first, "concatenated: shapes \(first) and \(tensor.shape) along axis \(axis)")
    }
    let outer = first[..<axis].reduce(1, *)
    let inner = first[(axis + 1)...].reduce(1, *)
    let sizes = tensors.map { $0.shape[axis] * inner }
    var shape = first
    shape[axis] = tensors.map { $0.shape[axis] }.reduce(0, +)
    let result = Tensor(uninitialized: shape)
    let whole = result.reshaped([outer, sizes.reduce(0, +)])
    var start = 0
    for (tensor, size) in zip(tensors, sizes) {
      Kernels.copy(
        tensor.detached.contiguous.reshaped([outer, size]),
        to: whole.columns(start..<start + size))
      start += size
    }
    return result.recorded(from: tensors) { gradient, inputs in
      let whole = gradient.reshaped([outer, sizes.reduce(0, +)])
      var start = 0
      for (input, size) in zip(inputs, sizes) {
        input?.accumulate(whole.columns(start..<start + size).contiguous)
        start += size
      }
    }
  }
}
