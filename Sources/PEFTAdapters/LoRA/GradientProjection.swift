import PEFTTensor

extension LoRA {
  /// The projection of the gradients of B, where it is asked for.
  public func controller(_ adapter: Adapter) -> (any AdapterController)? {
    projectsGradients ? GradientProjection(adapter) : nil
  }
}

/// Makes the gradient of every B of a LoRA-FA adapter `g (A A^T + 1e-8 I)^-1 / s^2` before it is used.
///
/// A is frozen, so the inverse of a layer is found once.
final class GradientProjection: AdapterController {
  private let layers: [LoRALayer]
  private var inverses: [ObjectIdentifier: (revision: [Int], matrix: Tensor)] = [:]

  init(_ adapter: Adapter) { layers = adapter.layers(of: LoRALayer.self).map(\.layer) }

  func parametersWillChange(gradientScale: Float) {
    withoutGradients {
      for layer in layers {
        guard let gradient = layer.b.gradient, let inverse = inverse(layer) else { continue }
        layer.b.gradient = gradient.matrixProduct(inverse)
      }
    }
  }

  /// `(A A^T + 1e-8 I)^-1 / s^2`; nil where A is not finite.
  private func inverse(_ layer: LoRALayer) -> Tensor? {
    let key = ObjectIdentifier(layer.a)
    if let known = inverses[key], known.revision == layer.a.revision { return known.matrix }
    let a = layer.a.value
    let rank = a.shape[0]
    let unit = Tensor(
      (0..<rank * rank).map { $0 % (rank + 1) == 0 ? 1 : 0 }, shape: [rank, rank])
    let square = a.matrixProduct(a.transposed) + unit * 1e-8
    // A singular matrix has the least squares solution, as by the pseudoinverse.
    guard let inverse = try? square.leastSquares(unit).solution else { return nil }
    let matrix = inverse / (layer.scale * layer.scale)
    inverses[key] = (layer.a.revision, matrix)
    return matrix
  }
}
