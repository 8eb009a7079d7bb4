extension Tensor {
  /// Notes how this output was computed, where an input needs a gradient and recording is on.
  ///
  /// - Parameters:
  ///   - inputs: the operands; nil or without a gradient where `backward` has nothing to compute.
  ///   - backward: must hold no tensor that still belongs to the graph: keep `detached` ones.
  /// - Returns: this tensor, as an output of the graph.
  package func recorded(
    from inputs: [Tensor?], backward: @escaping Node.Backward
  ) -> Tensor {
    guard Gradients.isRecording, inputs.contains(where: { $0?.node != nil }) else { return self }
    let targets = inputs.map { input in
      input.flatMap { tensor in
        tensor.node.map { GradientTarget(node: $0, shape: tensor.shape) }
      }
    }
    var output = self
    output.node = Node(shape: shape, inputs: targets, backward: backward)
    return output
  }

  /// Whether an operation on these operands would be recorded now.
  package static func records(_ inputs: Tensor?...) -> Bool {
    Gradients.isRecording && inputs.contains { $0?.node != nil }
  }

  /// Computes the gradient of this scalar for every trainable parameter that it depends on, and
  /// adds it to `Parameter.gradient`.
  ///
  /// The graph is freed on the way and cannot be run again.
  ///
  /// - Parameter scale: the gradient of the result itself, for losses that are averaged over several calls.
  public func backward(scale: Float = 1) {
    precondition(count == 1, "backward: shape \(shape) is not a scalar; pass a gradient")
    backward(gradient: Tensor(repeating: scale, shape: shape))
  }

  /// Computes gradients as `backward(scale:)` does, from a gradient of this tensor.
  ///
  /// - Parameter gradient: of the same shape as this tensor.
  public func backward(gradient: Tensor) {
    precondition(
      gradient.shape == shape, "backward: gradient \(gradient.shape) for a tensor \(shape)")
    node?.run(gradient.detached)
  }

  /// Computes gradients as `backward(scale:)` does, and tells of each parameter when its gradient is final.
  ///
  /// - Parameters:
  ///   - scale: the gradient of the result itself.
  ///   - whenFinal: is called while the pass goes on, with the identity of the parameter; nothing that is left to run adds to its
  ///     gradient.
  package func backward(scale: Float, whenFinal: ((ObjectIdentifier) -> Void)?) {
    precondition(count == 1, "backward: shape \(shape) is not a scalar; pass a gradient")
    node?.run(Tensor(repeating: scale, shape: shape), whenFinal: whenFinal)
  }

  /// Whether no other tensor shares the memory.
  package var isUnique: Bool {
    mutating get { isKnownUniquelyReferenced(&storage) && isContiguous }
  }

  /// A tensor of this shape to write a result into: this very one where nobody else holds it.
  package mutating func reusedOrNew() -> Tensor {
    isUnique ? self : Tensor(uninitialized: shape)
  }

  /// A copy in memory of its own.
  package func copied() -> Tensor {
    let copy = Tensor(uninitialized: shape)
    Kernels.copy(self, to: copy)
    return copy
  }
}
