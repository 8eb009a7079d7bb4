import PEFTAdapters
import PEFTTensor
import PEFTTransformer

/// A linear layer without a bias, called `map`, that is a whole model.
final class SingleMap: AdapterHost {
  let map: Linear
  let adapters = AdapterRegistry()
  var members: Members { ["map": map] }

  init(_ weight: Tensor, layout: WeightLayout = .outputInput) {
    map = Linear(weight: Parameter(weight), layout: layout)
  }

  func probeOutput() -> Tensor {
    map(Tensor(repeating: 1, shape: [1, map.inputs]), ForwardContext())
  }
}
