import PEFTTensor
import PEFTTransformer

/// Looks at what comes into a linear layer, without changing what comes out.
final class LayerRecorder: LinearAdapter {
  var members: Members { [:] }
  private let look: (Tensor) -> Void

  init(_ look: @escaping (Tensor) -> Void) { self.look = look }

  func forward(_ input: Tensor, base: Linear, _ context: ForwardContext) -> Tensor {
    look(input.detached)
    return base.project(input)
  }
}

extension StartedLoRA {
  /// Runs `body` while the inputs of the linear layers are looked at; there must be no other adapter.
  func recording(
    _ look: @escaping (_ index: Int, Tensor) -> Void, _ body: () -> Void
  ) {
    for (index, site) in linearSites.enumerated() {
      site.layer.adapter = LayerRecorder { look(index, $0) }
    }
    defer { for site in linearSites { site.layer.adapter = nil } }
    body()
  }
}
