/// Runs `body` without keeping what its backward pass needs, and runs it again when that pass comes.
///
/// Memory falls to the inputs and outputs of `body` at the price of one more forward pass; gradients are equal to the
/// bit (arXiv 1604.06174). `body` must compute the same both times: take keys of dropout from its arguments or
/// from constants, never from a generator that it advances.
///
/// - Parameters:
///   - inputs: what `body` computes from, beside parameters; tensors of the graph must all be named here.
///   - body: gets the inputs, cut off from the outer graph.
/// - Returns: the result of `body`, which needs a gradient where an input does or `body` uses a trainable parameter.
public func checkpointed(_ inputs: [Tensor], _ body: @escaping ([Tensor]) -> Tensor) -> Tensor {
  guard Gradients.isRecording else { return body(inputs) }
  let probe = Gradients.Probe()
  let saved = inputs.map(\.detached)
  let output = Gradients.run(in: .probing(probe)) { body(saved) }
  guard probe.wasTouched || inputs.contains(where: \.needsGradient) else { return output }
  // A trainable parameter inside keeps the output in the graph even where no input needs a gradient.
  let anchor = Parameter(Tensor(zeros: []))
  let recorded = output.detached.recorded(from: inputs + [anchor.tensor]) { gradient, nodes in
    let parameters = zip(saved, nodes).map { tensor, node in
      Parameter(tensor, isTrainable: node != nil)
    }
    Gradients.run(in: .recording) { body(parameters.map(\.tensor)) }.backward(gradient: gradient)
    for (parameter, node) in zip(parameters, nodes) {
      if let gradient = parameter.gradient { node?.accumulate(gradient) }
    }
  }
  recorded.node?.hidden = probe.parameters
  return recorded
}
