/// How many nodes of a backward pass have yet to add to the gradient of each parameter.
struct ParameterUses {
  private var counts: [ObjectIdentifier: Int] = [:]

  /// Counts the uses in the nodes that are about to run.
  init(_ nodes: [Node]) {
    for node in nodes {
      for parameter in node.parameters(node.inputs) { counts[parameter, default: 0] += 1 }
    }
  }

  /// Takes note that a node has run, or will never run, and tells which gradients are final by that.
  mutating func end(
    of node: Node, _ inputs: [GradientTarget?], _ whenFinal: (ObjectIdentifier) -> Void
  ) {
    for parameter in node.parameters(inputs) {
      guard let count = counts[parameter] else { continue }
      counts[parameter] = count - 1
      if count == 1 { whenFinal(parameter) }
    }
  }
}
