public import PEFTTensor
public import PEFTTransformer

/// What a method does at one module.
///
/// The tensors belong to the adapter; a layer holds those it computes with.
public protocol AdapterLayer: AnyObject {
  /// Whether its output is that of what is inside and something more, which does not depend on what is inside.
  ///
  /// Such layers can be merged in any order; a layer that scales what is inside only after those in it.
  var isSummand: Bool { get }

  /// Whether it computes with the weight of the base beside what is inside: nothing else can be merged into that under it.
  var readsBase: Bool { get }
}

extension AdapterLayer {
  /// Not known to be.
  public var isSummand: Bool { false }
  /// It does not.
  public var readsBase: Bool { false }
}

/// What a method does at one linear layer.
///
/// It adds low-rank branches, which are computed together with the base, or takes over the forward around what is inside, or both.
/// Layers of several adapters are nested in the order in which they were attached, the first one innermost.
public protocol LinearAdapterLayer: AdapterLayer {
  /// Whether it does nothing but add its branches, so that those of the next layer can be computed at once with them.
  var isAdditive: Bool { get }

  /// Low-rank branches beside the map of the base.
  func branches(_ context: ForwardContext) -> [LowRankBranch]

  /// The adapted output, of which `inner` makes the part of the base and of what was attached before.
  ///
  /// - Parameters:
  ///   - input: `[..., N]`.
  ///   - base: the layer.
  ///   - context: of this forward pass.
  ///   - inner: the map inside, with the branches of this layer.
  /// - Returns: `[..., M]`.
  func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor

  /// The map of the base with the change of this layer in it.
  ///
  /// - Parameters:
  ///   - map: weight and bias before.
  ///   - path: of the module, for the error.
  /// - Returns: weight and bias after.
  /// - Throws: `AdapterError.notAdaptable` where the change is no affine map.
  func merged(_ map: AffineMap, _ path: String) throws(AdapterError) -> AffineMap
}

extension LinearAdapterLayer {
  /// Where it does nothing but add its branches.
  public var isSummand: Bool { isAdditive }

  /// It may do more.
  public var isAdditive: Bool { false }

  /// None.
  public func branches(_ context: ForwardContext) -> [LowRankBranch] { [] }

  /// What is inside.
  public func forward(
    _ input: Tensor, base: Linear, _ context: ForwardContext, inner: (Tensor) -> Tensor
  ) -> Tensor { inner(input) }
}

/// An affine map `x W^T + b`.
public struct AffineMap {
  /// `[M, N]`.
  public var weight: Tensor
  /// `[M]`, or nil.
  public var bias: Tensor?

  /// A map from its parts.
  public init(weight: Tensor, bias: Tensor?) { (self.weight, self.bias) = (weight, bias) }
}

/// What a method does at one embedding.
public protocol EmbeddingAdapterLayer: AdapterLayer {
  /// The adapted rows.
  ///
  /// - Parameters:
  ///   - ids: `[...]`.
  ///   - context: of this forward pass.
  ///   - inner: the lookup inside.
  /// - Returns: `[..., D]`.
  func forward(_ ids: Indices, _ context: ForwardContext, inner: (Indices) -> Tensor) -> Tensor

  /// The table `[V, D]` with the change of this layer in it.
  func merged(_ table: Tensor, _ path: String) throws(AdapterError) -> Tensor
}

/// A tensor of an adapter.
public struct AdapterTensor {
  /// What becomes of a tensor.
  public enum Role: Sendable, Hashable {
    /// It is trained and stored.
    case trained
    /// It is stored, but not trained.
    case kept
    /// It is trained, but the files of PEFT do not have it: it is stored in a file of its own, to continue a training.
    case hidden
    /// It is neither trained nor stored, but made from the base again.
    case derived

    /// Whether gradients are computed for it.
    public var isTrained: Bool { self == .trained || self == .hidden }
    /// Whether the files of PEFT have it.
    public var isStored: Bool { self == .trained || self == .kept }
  }

  /// The whole name in an adapter file.
  public let name: String
  /// The name below the module in the model, with the name of the adapter in it, as in PEFT.
  let memberName: String
  /// The parameter.
  public let parameter: Parameter
  /// What becomes of it.
  public let role: Role
}
