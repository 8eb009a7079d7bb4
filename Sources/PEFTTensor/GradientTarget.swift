/// Where the gradient of an operand goes: the node that it came from, and the axes that it had as an operand.
///
/// A reshaped tensor keeps its node, so the two can differ; what an operation writes has the axes of its operand.
package struct GradientTarget {
  let node: Node
  let shape: [Int]

  /// Adds a gradient.
  ///
  /// The tensor is kept, not copied, where it is the first.
  package func accumulate(_ tensor: Tensor) { node.accumulate(tensor) }

  /// Lets `write` compute a gradient straight into place: with `beta` 0 it must set every element of
  /// the tensor, with `beta` 1 it must add to it.
  package func accumulate(_ write: (_ destination: Tensor, _ beta: Float) -> Void) {
    node.accumulate { write($0.reshaped(shape), $1) }
  }

  /// Lets `write` add into a gradient that starts at zero.
  package func accumulateFromZero(_ write: (_ destination: Tensor) -> Void) {
    accumulate { destination, beta in
      if beta == 0 { Kernels.fill(destination, with: 0) }
      write(destination)
    }
  }
}
