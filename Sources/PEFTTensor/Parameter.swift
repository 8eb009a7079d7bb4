/// A tensor that a model keeps: frozen, or trained by an optimiser.
public final class Parameter {
  /// The size of every axis.
  public let shape: [Int]
  /// The elements in float32; nil where they lie in a storage, or with the source.
  private var own: Tensor?
  private var stored: (storage: any WeightStorage, layout: WeightLayout, version: Int)?
  /// Makes the elements each time they are asked for; nil where they are kept.
  private var reader: StreamedTensor?
  /// Another number for every value that was set or handed out to be trained, so that a tied copy knows that it is old.
  private var version = 0
  private var lastVersion = 0
  private var changes = 0
  private var ownGradient: Tensor?
  private var trains: Bool
  private let source: Parameter?
  private lazy var leaf = Node(parameter: self)

  /// Stands in for this parameter in every computation while it is set; the value stays as it is.
  package var substitute: Parameter?
  /// How many times what an optimiser remembers of this parameter has lost its meaning.
  package private(set) var histories = 0
  /// Is told of every change by an optimiser.
  public weak var observer: (any ParameterObserver)?

  /// A parameter that starts with `value`.
  public init(_ value: Tensor, isTrainable: Bool = true) {
    shape = value.shape
    own = value.detached
    trains = isTrainable
    source = nil
  }

  /// A frozen matrix that lies in a storage.
  ///
  /// - Parameters:
  ///   - storage: the elements.
  ///   - layout: how the tensor would lie; decides the shape.
  public init(_ storage: any WeightStorage, _ layout: WeightLayout) {
    shape =
      layout == .outputInput
      ? [storage.outputs, storage.inputs] : [storage.inputs, storage.outputs]
    stored = (storage, layout, 0)
    trains = false
    source = nil
  }

  /// A frozen parameter whose elements are made each time they are asked for, and not kept.
  package init(_ reader: StreamedTensor) {
    shape = reader.shape
    self.reader = reader
    trains = false
    source = nil
  }

  /// A second place of another parameter, as an output head that is tied to the embedding.
  ///
  /// Value, gradient and training are those of `source`; only a substitute is its own.
  public init(tiedTo source: Parameter) {
    shape = source.shape
    trains = false
    self.source = source
  }

  /// Whether this is a second place of another parameter.
  public var isTied: Bool { source != nil }

  /// Whether this is a second place of `other`.
  package func isTied(to other: Parameter) -> Bool { source === other }

  /// The elements in float32; setting them keeps the shape.
  ///
  /// Where they lie in a storage, reading makes a tensor of them, and setting ends it.
  public var value: Tensor {
    get { source?.value ?? own ?? dense }
    set {
      precondition(
        newValue.shape == shape, "Parameter: shape \(shape) cannot become \(newValue.shape)")
      if let source { return source.value = newValue }
      own = newValue.detached
      (stored, reader) = (nil, nil)
      renew()
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
      if newValue { keepTensor() } else { ownGradient = nil }
    }
  }

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }
  /// The memory of the elements, in bytes.
  public var byteCount: Int { stored?.storage.byteCount ?? count * 4 }

  /// The value as an operand, or that of the substitute: part of the graph where it is trainable.
  public var tensor: Tensor { substitute?.tensor ?? ownTensor }

  private var ownTensor: Tensor {
    if let source { return source.ownTensor }
    guard trains else { return own ?? dense }
    if case .probing(let probe) = Gradients.mode { probe.touch(self) }
    var tensor = own ?? dense
    tensor.node = leaf
    return tensor
  }

  /// Gives the value memory of its own, where another tensor shares it or it lies in a file.
  package func makeValueUnique() {
    if let source { return source.makeValueUnique() }
    keepTensor()
    renew()
    guard var tensor = own else { return }
    own = nil
    own = tensor.isUnique && tensor.storage.isPooled ? tensor : tensor.copied()
  }

  /// Says that the value stands for something else from now on, so that an optimiser begins anew with it.
  package func forgetHistory() { histories += 1 }

  /// Takes the gradient out, so that it can be added to in place.
  func takeGradient() -> Tensor? {
    defer { ownGradient = nil }
    return ownGradient
  }
}

// MARK: Storage

extension Parameter {
  /// The elements as they are kept, to be put back later in the same storage.
  package struct Content {
    fileprivate let own: Tensor?
    fileprivate let stored: (storage: any WeightStorage, layout: WeightLayout, version: Int)?
    fileprivate let reader: StreamedTensor?
    fileprivate let version: Int

    /// The elements in float32.
    package var value: Tensor { own ?? reader?.make() ?? Parameter.dense(stored) }

    /// Whether they are kept as codes.
    package var isQuantized: Bool {
      own == nil && (stored?.storage is FourBitWeight || stored?.storage is Int8Weight)
    }

    /// The elements at some places of the row-major order, without making all of them where that can be helped.
    package func elements(_ places: [Int]) -> [Float] {
      if let own {
        let matrix = own.matrix
        return places.map { place in
          own.count == 0
            ? 0 : matrix.address[place / matrix.columns * matrix.rowStride + place % matrix.columns]
        }
      }
      if let reader, let piece = reader.piece {
        return places.map { reader.count == 0 ? 0 : piece($0..<$0 + 1).array[0] }
      }
      let values = value.array
      return places.map { values.isEmpty ? 0 : values[$0] }
    }
  }

  /// The elements as they are kept; those of the source where it is tied.
  package var content: Content {
    get { source?.content ?? Content(own: own, stored: stored, reader: reader, version: version) }
    set {
      if let source { return source.content = newValue }
      (own, stored, reader) = (newValue.own, newValue.stored, newValue.reader)
      version = newValue.version
      changes += 1
    }
  }

  /// The matrix of a linear map as an operand, in the storage where it lies in one.
  ///
  /// - Parameter layout: how the tensor lies.
  /// - Returns: a tensor where it is trainable or no storage was chosen.
  public func operand(_ layout: WeightLayout) -> WeightOperand {
    if let substitute { return substitute.operand(layout) }
    if let storage { return .storage(storage) }
    return .tensor(ownTensor, layout)
  }

  /// Moves a frozen matrix into the storage of a precision, or back to float32, where what was rounded stays rounded.
  ///
  /// A tied parameter gets a storage of its own beside the source, which keeps its tensor. Trainable parameters stay as they are.
  ///
  /// - Parameters:
  ///   - precision: what is chosen.
  ///   - layout: how the tensor lies.
  public func store(as precision: Precision, _ layout: WeightLayout) {
    guard !isTrainable else { return }
    if let storage, precision.isKept(by: storage) { return }
    if source == nil { keepTensor() }
    stored = nil
    changes += 1
    let tensor = value
    reader = nil
    let matrix = layout == .outputInput || precision == .float32 ? tensor : tensor.transposed
    guard let storage = precision.storage(matrix) else { return }
    stored = (storage, layout, source?.version ?? 0)
    if source == nil { own = nil }
    tensor.storage.forgetPages()
  }

  /// Keeps a frozen matrix in a storage that was made of it, or of something near.
  package func store(_ storage: any WeightStorage, _ layout: WeightLayout) {
    let size = layout == .outputInput ? shape : shape.reversed()
    precondition(
      !isTrainable && source == nil && size == [storage.outputs, storage.inputs],
      "Parameter: a storage [\(storage.outputs), \(storage.inputs)] for \(shape)")
    (own, stored, reader) = (nil, (storage, layout, 0), nil)
    version = 0
    changes += 1
  }

  /// The storage where the matrix lies in one.
  package var storage: (any WeightStorage)? {
    guard let stored, stored.version == (source?.version ?? 0), source?.isTrainable != true else {
      return nil
    }
    return stored.storage
  }

  /// Another number after every change of what this stands for in a computation.
  package var revision: [Int] {
    if let substitute {
      // Another substitute is another object, which may have the same numbers.
      return [ObjectIdentifier(substitute).hashValue] + substitute.revision
    }
    return [changes] + (source?.revision ?? [])
  }

  private func renew() {
    changes += 1
    lastVersion += 1
    version = lastVersion
  }

  /// What makes the elements each time; nil where they are kept.
  package var streamed: StreamedTensor? { source?.streamed ?? (own == nil ? reader : nil) }

  /// Forgets the elements, which `reader` makes from now on.
  package func stream(_ reader: StreamedTensor) {
    precondition(
      !isTrainable && source == nil && reader.shape == shape,
      "Parameter: a reader of \(reader.shape) for \(shape)")
    (own, stored, self.reader) = (nil, nil, reader)
    version = 0
    changes += 1
  }

  private var dense: Tensor { reader?.make() ?? Self.dense(stored) }

  private static func dense(
    _ stored: (storage: any WeightStorage, layout: WeightLayout, version: Int)?
  ) -> Tensor {
    guard let stored else { preconditionFailure("Parameter: neither tensor nor storage") }
    let matrix = stored.storage.dense()
    return stored.layout == .outputInput ? matrix : withoutGradients { matrix.transposed }
  }

  private func keepTensor() {
    guard own == nil, stored != nil || reader != nil else { return }
    own = dense
    (stored, reader) = (nil, nil)
  }
}
