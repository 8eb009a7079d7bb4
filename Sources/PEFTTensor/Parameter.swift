/// A tensor that a model keeps: frozen, or trained by an optimiser.
public final class Parameter {
  private var own: Tensor
  private var ownGradient: Tensor?
  private var trains: Bool
  private let source: Parameter?
  private lazy var leaf = Node(parameter: self)

  /// Stands in for this parameter in every computation while it is set; the value stays as it is.
  package var substitute: Parameter?

  /// A parameter that starts with `value`.
  public init(_ value: Tensor, isTrainable: Bool = true) {
    own = value.detached
    trains = isTrainable
    source = nil
  }

  /// A second place of another parameter, as an output head that is tied to the embedding.
  ///
  /// Value, gradient and training are those of `source`; only a substitute is its own.
  public init(tiedTo source: Parameter) {
    // Nothing of the source's, whose memory is given back when its value is replaced.
    own = Tensor(0)
    trains = false
    self.source = source
  }

  /// Whether this is a second place of another parameter.
  public var isTied: Bool { source != nil }

  /// Whether this is a second place of `other`.
  package func isTied(to other: Parameter) -> Bool { source === other }

  /// The elements; setting them keeps the shape.
  public var value: Tensor {
    get { source?.value ?? own }
    set {
      precondition(
        newValue.shape == shape, "Parameter: shape \(shape) cannot become \(newValue.shape)")
      if let source { source.value = newValue } else { own = newValue.detached }
    }
  }

  /// What backward passes have added up since it was last set to nil.
  public var gradient: Tensor? {
    get { source?.gradient ?? ownGradient }
    set { if let source { source.gradient = newValue } else { ownGradient = newValue } }
  }

  /// Whether gradients are computed for it.
  public var isTrainable: Bool {
    get { source?.isTrainable ?? trains }
    set {
      if let source { return source.isTrainable = newValue }
      trains = newValue
      if !newValue { ownGradient = nil }
    }
  }

  /// The size of every axis.
  public var shape: [Int] { source?.shape ?? own.shape }
  /// The number of elements.
  public var count: Int { source?.count ?? own.count }
  /// The memory of the elements, in bytes.
  public var byteCount: Int { count * 4 }

  /// The value as an operand, or that of the substitute: part of the graph where it is trainable.
  public var tensor: Tensor { substitute?.tensor ?? ownTensor }

  private var ownTensor: Tensor {
    if let source { return source.ownTensor }
    guard trains else { return own }
    if case .probing(let probe) = Gradients.mode { probe.touch() }
    var tensor = own
    tensor.node = leaf
    return tensor
  }

  /// Gives the value memory of its own, where another tensor shares it or it lies in a file.
  package func makeValueUnique() {
    if let source { return source.makeValueUnique() }
    if !own.isUnique || !own.storage.isPooled { own = own.copied() }
  }

  /// Takes the gradient out, so that it can be added to in place.
  func takeGradient() -> Tensor? {
    defer { ownGradient = nil }
    return ownGradient
  }
}
