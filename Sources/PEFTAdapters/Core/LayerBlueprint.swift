public import PEFTTensor

/// Tensors that an adapter will have, before they are made.
public struct TensorsBlueprint {
  /// One of them.
  public struct Entry: Sendable, Hashable {
    /// The name in an adapter file, after the path of the module where it stands beside one.
    public var name: String
    /// The shape.
    public var shape: [Int]
    /// What becomes of it.
    public var role: AdapterTensor.Role

    /// A tensor that is trained and stored, unless another role is given.
    public init(_ name: String, _ shape: [Int], _ role: AdapterTensor.Role = .trained) {
      (self.name, self.shape, self.role) = (name, shape, role)
    }
  }

  /// The tensors.
  public var entries: [Entry]
  /// Makes the values that they start with, by name; only called where a file does not have them all.
  public var start: (inout Generator) throws(AdapterError) -> [String: Tensor]

  /// A blueprint from its parts.
  public init(
    _ entries: [Entry], start: @escaping (inout Generator) throws(AdapterError) -> [String: Tensor]
  ) {
    (self.entries, self.start) = (entries, start)
  }

  /// How many elements are trained.
  public var trainedCount: Int {
    entries.reduce(0) { $0 + ($1.role.isTrained ? $1.shape.reduce(1, *) : 0) }
  }
}

/// What a method keeps beside one module, before it is made.
public struct LayerBlueprint {
  /// The tensors beside the module.
  public var tensors: TensorsBlueprint
  /// Parameters of the module of which a copy is trained, by their names in an adapter file after the path.
  public var copies: [(name: String, parameter: Parameter)] = []
  /// Parameters of the module that a copy stands in for, which the method changes itself: it is neither trained nor stored.
  public var standIns: [Parameter] = []
  /// R, for the plan; nil where the method has no rank.
  public var rank: Int?
  /// The numerator of the scale, for the plan; nil where the method has none.
  public var alpha: Double?
  /// Makes the layer from the parameters, by name, those that all layers share among them; nil where there are copies only.
  public var make: (([String: Parameter]) -> any AdapterLayer)?

  /// A blueprint from its parts.
  public init(
    _ tensors: TensorsBlueprint, rank: Int? = nil, alpha: Double? = nil,
    make: @escaping ([String: Parameter]) -> any AdapterLayer
  ) {
    (self.tensors, self.rank, self.alpha, self.make) = (tensors, rank, alpha, make)
  }

  /// A blueprint of copies only.
  public init(copies: [(name: String, parameter: Parameter)]) {
    tensors = TensorsBlueprint([]) { _ in [:] }
    self.copies = copies
  }
}
