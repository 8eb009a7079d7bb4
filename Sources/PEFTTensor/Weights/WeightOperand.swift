/// The matrix of a linear map as an operand: a float32 tensor, which may be trained, or a frozen weight in a storage of its own.
public enum WeightOperand {
  /// A tensor `[M, N]`, or `[N, M]` with the layout `.inputOutput`.
  case tensor(Tensor, WeightLayout)
  /// A frozen weight.
  case storage(any WeightStorage)

  /// M.
  public var outputs: Int {
    switch self {
    case .tensor(let tensor, let layout): tensor.shape[layout == .outputInput ? 0 : 1]
    case .storage(let storage): storage.outputs
    }
  }

  /// N.
  public var inputs: Int {
    switch self {
    case .tensor(let tensor, let layout): tensor.shape[layout == .outputInput ? 1 : 0]
    case .storage(let storage): storage.inputs
    }
  }

  /// The tensor as an input of the graph; nil for a storage, which has no gradient.
  var tensor: Tensor? {
    if case .tensor(let tensor, _) = self { tensor } else { nil }
  }

  /// The same, cut off from the graph.
  var detached: WeightOperand {
    if case .tensor(let tensor, let layout) = self {
      .tensor(tensor.detached, layout)
    } else {
      self
    }
  }

  /// y = x W^T + beta y.
  func multiply(_ x: Tensor, to y: Tensor, beta: Float = 0) {
    switch self {
    case .tensor(let tensor, let layout):
      Kernels.multiply(
        .init(x), .none, .init(tensor), layout == .outputInput ? .transposed : .none, beta: beta,
        to: .init(y))
    case .storage(let storage): storage.multiply(x, to: y, beta: beta)
    }
  }

  /// dx = dy W + beta dx.
  func multiplyTransposed(_ dy: Tensor, to dx: Tensor, beta: Float = 0) {
    switch self {
    case .tensor(let tensor, let layout):
      Kernels.multiply(
        .init(dy), .none, .init(tensor), layout == .outputInput ? .none : .transposed, beta: beta,
        to: .init(dx))
    case .storage(let storage): storage.multiplyTransposed(dy, to: dx, beta: beta)
    }
  }

  /// dW = dy^T x + beta dW, as the tensor lies; nothing for a storage.
  func multiplyGradient(_ dy: Tensor, _ x: Tensor, to dw: Tensor, beta: Float) {
    guard case .tensor(_, let layout) = self else { return }
    let (left, right) = layout == .outputInput ? (dy, x) : (x, dy)
    Kernels.multiply(.init(left), .transposed, .init(right), beta: beta, to: .init(dw))
  }
}
