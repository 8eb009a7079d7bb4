import PEFTTensor
import PEFTTransformer

/// Quantum-PEFT: `y = W x + s U diag(lambda) V^T x` with U `[M, K]` and V `[N, K]` whose columns are orthonormal by construction.
///
/// "Quantum-PEFT: Ultra Parameter-Efficient Fine-Tuning" (arXiv 2503.05431). Only parameters of U and V and the K singular values
/// lambda are trained; a module with Pauli frames has `(2 L + 1) (log2 M + log2 N) - 4 L + K` of them for powers of two.
///
/// What is reconstructed: there is no public code. The order of the gates is chosen here so that the count of angles is the paper's
/// (see `RotationCircuit`). For widths that are no power of two the paper splits the circuit by the cosine-sine decomposition;
/// here two overlapping circuits do, which is exactly orthogonal too, with twice the angles. That lambda starts at zero (no
/// effect) and the angles at random, and that s is 1, is this package's choice. Training under quantised angles is
/// not offered.
///
/// The K columns of U and V are made once in a forward pass, in O(K N L log N) (Pauli) or O(p K^2 N) (Taylor), never a matrix
/// `[N, N]`; with them a step costs what LoRA of rank K costs. PEFT does not know the method: folders have the type `QUANTUM_PEFT`.
/// To generate many tokens, merge first, so that frames are not made for each one.
public struct QuantumPEFT: AdapterMethod, Hashable {
  /// `QUANTUM_PEFT`.
  public static let type = "QUANTUM_PEFT"

  /// How orthonormal columns come from parameters.
  public enum Frame: Sendable, Hashable {
    /// Plane rotations in L layers: `(2 L + 1) log2 N - 2 L` angles, twice as many with the largest power of two below N where N is none.
    case pauli(layers: Int)
    /// The power series of exp(S) up to an order, for the skew matrix S of `N K - K (K + 1) / 2` parameters below the diagonal of its first
    /// K columns; orthonormal up to the rest of the series.
    case taylor(order: Int)
    /// The Cayley transform `(1 - S / 2)^-1 (1 + S / 2)` of the same S; orthonormal to rounding.
    case cayley
  }

  /// K.
  public var rank: Int
  /// How U and V are made.
  public var frame: Frame
  /// s.
  public var scale: Float = 1
  /// Which modules are adapted, linear layers only, and what is trained beside them.
  public var selection: ModuleSelection

  /// Settings; the others have defaults that can be set afterwards.
  public init(rank: Int = 8, frame: Frame = .pauli(layers: 1), targets: Targets = .attention) {
    (self.rank, self.frame) = (rank, frame)
    selection = ModuleSelection(targets)
  }

  /// Refuses ranks, scales, layers and orders out of range.
  public func checkSettings() throws(AdapterError) {
    try LoRA.checkRank(rank, "r")
    try selection.refuseAllBut([.layers])
    if !scale.isFinite {
      throw .invalidSetting("scale", expected: "a finite number", found: "\(scale)")
    }
    switch frame {
    case .pauli(let layers) where !(0...1_000).contains(layers):
      throw .invalidSetting("layers", expected: "0 to 1000", found: "\(layers)")
    case .taylor(let order) where !(1...100).contains(order):
      throw .invalidSetting("order", expected: "1 to 100", found: "\(order)")
    default: break
    }
  }

  /// The parameters of U and V, and lambda, beside a linear layer.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let layer = site.linear else {
      throw .notAdaptable(
        module: site.path,
        reason: "it is a \(Swift.type(of: site.module)); Quantum-PEFT adapts linear layers")
    }
    guard rank <= min(layer.outputs, layer.inputs) else {
      throw .notAdaptable(
        module: site.path,
        reason: "there are no \(rank) orthonormal columns for [\(layer.outputs), \(layer.inputs)]")
    }
    let left = OrthonormalFrame(frame, width: layer.outputs, count: rank)
    let right = OrthonormalFrame(frame, width: layer.inputs, count: rank)
    let (rank, scale) = (rank, scale)
    let entries =
      left.entries("quantum_u") + right.entries("quantum_v") + [.init("quantum_lambda", [rank])]
    let tensors = TensorsBlueprint(entries) { generator in
      var values = ["quantum_lambda": Tensor(zeros: [rank])]
      values.merge(left.initialValues("quantum_u", &generator)) { first, _ in first }
      values.merge(right.initialValues("quantum_v", &generator)) { first, _ in first }
      return values
    }
    return LayerBlueprint(tensors, rank: rank) { parameters in
      func own(_ frame: OrthonormalFrame, _ name: String) -> [Parameter] {
        frame.entries(name).map { parameters[$0.name]! }
      }
      return QuantumPEFTLayer(
        left: left, leftParameters: own(left, "quantum_u"), right: right,
        rightParameters: own(right, "quantum_v"), values: parameters["quantum_lambda"]!,
        scale: scale)
    }
  }
}
