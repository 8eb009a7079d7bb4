/// One recorded operation: where its output came from and how a gradient goes back.
///
/// Inputs that need no gradient are nil: that is the mask of what a backward function may skip.
/// `depth` is larger than that of every input, so running by descending depth is a topological order.
package final class Node {
  /// Computes gradients of the inputs from the gradient of the output, which it may overwrite where it
  /// is the only one that holds it.
  package typealias Backward = (_ gradient: inout Tensor, _ inputs: [GradientTarget?]) -> Void

  package let depth: Int
  let shape: [Int]
  private(set) var inputs: [GradientTarget?]
  private var backward: Backward?
  private var gradient: Tensor?
  private weak var parameter: Parameter?
  private let isLeaf: Bool
  /// Parameters that only the backward function reaches, beside those of the inputs, as where it runs a graph of its own.
  package var hidden: Set<ObjectIdentifier> = []
  private var isConsumed = false

  init(shape: [Int], inputs: [GradientTarget?], backward: @escaping Backward) {
    depth = 1 + (inputs.lazy.compactMap { $0?.node.depth }.max() ?? 0)
    self.shape = shape
    self.inputs = inputs
    self.backward = backward
    isLeaf = false
  }

  /// The leaf of a parameter: gradients accumulate in the parameter itself.
  init(parameter: Parameter) {
    depth = 0
    shape = parameter.value.shape
    inputs = []
    self.parameter = parameter
    isLeaf = true
  }

  deinit {
    // A long chain would otherwise be released link by link on the stack.
    var pending = inputs.compactMap { $0?.node }
    inputs = []
    while var next = pending.popLast() {
      if isKnownUniquelyReferenced(&next) {
        for input in next.inputs { if let input { pending.append(input.node) } }
        next.inputs = []
        next.backward = nil
      }
    }
  }

  // MARK: Receiving gradients

  /// Adds a gradient.
  ///
  /// The tensor is kept, not copied, where it is the first.
  package func accumulate(_ tensor: Tensor) {
    precondition(
      tensor.count == shape.reduce(1, *),
      "gradient of shape \(tensor.shape) for an output of shape \(shape)")
    guard var sum = take() else {
      put(tensor.detached)
      return
    }
    let tensor = tensor.shape == shape ? tensor : tensor.detached.reshaped(shape)
    if sum.isUnique {
      Kernels.add(tensor, into: sum)
      put(sum)
    } else {
      put(Kernels.sum(sum, tensor))
    }
  }

  /// Lets `write` compute a gradient straight into place: with `beta` 0 it must set every element of
  /// the tensor, with `beta` 1 it must add to it.
  package func accumulate(_ write: (_ destination: Tensor, _ beta: Float) -> Void) {
    guard var sum = take() else {
      let new = Tensor(uninitialized: shape)
      write(new, 0)
      put(new)
      return
    }
    if !sum.isUnique { sum = sum.copied() }
    write(sum, 1)
    put(sum)
  }

  private func take() -> Tensor? {
    if isLeaf { return parameter?.takeGradient() }
    defer { gradient = nil }
    return gradient
  }

  /// Keeps a gradient, in the shape of the output: what is added in place later relies on it.
  private func put(_ tensor: Tensor) {
    let shaped = tensor.shape == shape ? tensor : tensor.reshaped(shape)
    if isLeaf { parameter?.gradient = shaped } else { gradient = shaped }
  }

  // MARK: Running

  /// Runs everything that this node was computed from, each once, freeing it as it is consumed.
  ///
  /// - Parameters:
  ///   - seed: the gradient of this node.
  ///   - whenFinal: is told of each parameter when nothing that is left to run can add to its gradient.
  func run(_ seed: Tensor, whenFinal: ((ObjectIdentifier) -> Void)? = nil) {
    accumulate(seed)
    let order = reachable()
    var uses = whenFinal.map { _ in ParameterUses(order) }
    for node in order {
      let inputs = node.inputs
      if let backward = node.backward, var gradient = node.take() {
        node.backward = nil
        node.inputs = []
        node.isConsumed = true
        backward(&gradient, inputs)
      }
      if let whenFinal { uses?.end(of: node, inputs, whenFinal) }
    }
  }

  /// The parameter whose leaf this is.
  var leafParameter: ObjectIdentifier? {
    isLeaf ? parameter.map { ObjectIdentifier($0) } : nil
  }

  /// The parameters whose gradients the backward function can add to, once for each place.
  func parameters(_ inputs: [GradientTarget?]) -> [ObjectIdentifier] {
    inputs.compactMap { $0?.node.leafParameter } + hidden
  }

  private func reachable() -> [Node] {
    precondition(!isConsumed, "backward: this graph was consumed by an earlier backward pass")
    var order: [Node] = []
    var seen: Set<ObjectIdentifier> = []
    var pending = [self]
    while let node = pending.popLast() {
      guard seen.insert(ObjectIdentifier(node)).inserted else { continue }
      precondition(
        !node.isConsumed, "backward: part of this graph was consumed by an earlier backward pass")
      order.append(node)
      for input in node.inputs.reversed() { if let input { pending.append(input.node) } }
    }
    // Sorting pairs keeps the order of discovery among equals, so that sums have one order.
    return order.enumerated()
      .sorted { ($1.element.depth, $0.offset) < ($0.element.depth, $1.offset) }
      .map(\.element)
  }
}
