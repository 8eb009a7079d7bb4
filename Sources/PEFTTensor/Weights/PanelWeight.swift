/// A storage whose products are made panel by panel: it says only how a panel is brought into the form of the instruction set.
protocol PanelWeight: WeightStorage {
  associatedtype Panels: PackedWeight
  /// W as kernels read it, for as long as this lives.
  var panels: Panels { get }
}

extension PanelWeight {
  /// W in float32, `[outputs, inputs]`.
  public func dense() -> Tensor {
    let result = Tensor(uninitialized: [outputs, inputs])
    Kernels.unpack(panels, to: result)
    return result
  }

  /// Sets y = x W^T + beta * y.
  public func multiply(_ x: Tensor, to y: Tensor, beta: Float) {
    checkShapes("\(Self.self).multiply", x: x, y: y)
    panels.multiply(x, to: y, beta: beta)
  }

  /// Sets dx = dy W + beta * dx.
  public func multiplyTransposed(_ dy: Tensor, to dx: Tensor, beta: Float) {
    checkShapes("\(Self.self).multiplyTransposed", x: dx, y: dy)
    Kernels.multiplyTransposed(dy, panels, to: dx, beta: beta)
  }
}
