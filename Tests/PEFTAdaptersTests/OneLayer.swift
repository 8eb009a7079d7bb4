import PEFTTensor
import PEFTTestSupport
import PEFTTransformer

/// A model of one linear layer, called `layer`, to compare methods with their formulas.
final class OneLayer: AdapterHost {
  let layer: Linear
  let adapters = AdapterRegistry()
  var members: Members { ["layer": layer] }

  init(_ layer: Linear) { self.layer = layer }

  /// A layer with random weights and biases.
  convenience init(inputs: Int, outputs: Int, seed: UInt64 = 2) {
    var random = SeededRandom(seed)
    self.init(
      Linear(
        weight: Parameter(random.tensor([outputs, inputs])),
        bias: Parameter(random.tensor([outputs]))))
  }

  /// A fixed input of three rows.
  var input: Tensor {
    var random = SeededRandom(9)
    return random.tensor([3, layer.inputs])
  }

  func callAsFunction(dropout: DropoutKeys? = nil) -> Tensor {
    layer(input, ForwardContext(dropout: dropout))
  }

  func probeOutput() -> Tensor { withoutGradients { self() } }

  /// `x W^T + b`, in Double, with a change of the weight.
  func expected(change: DoubleMatrix? = nil) -> DoubleMatrix {
    var weight = DoubleMatrix(layer.weight.value)
    if let change {
      for index in weight.values.indices { weight.values[index] += change.values[index] }
    }
    var result = DoubleMatrix(input) * weight.transposed
    for (index, bias) in (layer.bias?.value.array ?? []).enumerated() {
      for row in 0..<result.rows { result[row, index] += Double(bias) }
    }
    return result
  }
}
