/// A tensor that a model keeps: frozen, or trained by an optimiser.
public final class Parameter {
  /// The elements.
  ///
  /// Setting it keeps the shape.
  public var value: Tensor {
    didSet {
      precondition(
        value.shape == oldValue.shape,
        "Parameter: shape \(oldValue.shape) cannot become \(value.shape)")
      value.node = nil
    }
  }

  /// What backward passes have added up since it was last set to nil.
  public var gradient: Tensor?

  /// Whether gradients are computed for it.
  public var isTrainable: Bool {
    didSet { if !isTrainable { gradient = nil } }
  }

  private lazy var leaf = Node(parameter: self)

  /// A parameter that starts with `value`.
  public init(_ value: Tensor, isTrainable: Bool = true) {
    self.value = value.detached
    self.isTrainable = isTrainable
  }

  /// The size of every axis.
  public var shape: [Int] { value.shape }
  /// The number of elements.
  public var count: Int { value.count }
  /// The memory of the elements, in bytes.
  public var byteCount: Int { count * 4 }

  /// The value as an operand: part of the graph where the parameter is trainable.
  public var tensor: Tensor {
    guard isTrainable else { return value }
    if case .probing(let probe) = Gradients.mode { probe.touch() }
    var tensor = value
    tensor.node = leaf
    return tensor
  }
}

extension Parameter {
  /// Gives the value memory of its own, where another tensor shares it or it lies in a file.
  package func makeValueUnique() {
    guard !value.isUnique || !value.storage.isPooled else { return }
    value = value.copied()
  }
}
