public import PEFTTensor
import PEFTTransformer

/// Changes parameters by their gradients.
///
/// A loop of one's own is `let loss = model.loss(batch); loss.backward(); optimizer.step()`.
public protocol Optimizer: AnyObject {
  /// What is trained.
  var groups: [ParameterGroup] { get }

  /// The learning rate; a group multiplies it by a factor of its own.
  var learningRate: Double { get set }

  /// Changes every parameter that has a gradient, in place; call `step`, which tells the observers as well.
  ///
  /// A parameter without a gradient stays as it is, as in PyTorch: it does not decay and its state does not age.
  ///
  /// - Parameter gradientScale: what gradients are multiplied by on the way, as to clip them.
  func update(gradientScale: Float)

  /// A copy of what the optimiser remembers: the names of PyTorch's state, a dot and the path of the parameter,
  /// as `exp_avg.model.norm.weight`.
  var state: [String: Tensor] { get }

  /// Takes over a state that the same kind of optimiser had for the same parameters.
  ///
  /// - Parameter state: as `state` gave it.
  /// - Throws: `TrainingError` where an entry belongs to no parameter or has another shape; nothing is changed then.
  func restore(_ state: [String: Tensor]) throws(TrainingError)
}

extension Optimizer {
  /// Changes every parameter that has a gradient, in place, and clears the gradients.
  ///
  /// The observers of the parameters are told before and after.
  ///
  /// - Parameter gradientScale: what gradients are multiplied by on the way, as to clip them.
  public func step(gradientScale: Float = 1) {
    let observers = observers
    for observer in observers { observer.parametersWillChange(gradientScale: gradientScale) }
    update(gradientScale: gradientScale)
    for observer in observers { observer.parametersDidChange(gradientScale: gradientScale) }
    zeroGradients()
  }

  /// The observers of all parameters, each once.
  var observers: [any ParameterObserver] {
    var seen: Set<ObjectIdentifier> = []
    return groups.flatMap(\.parameters).compactMap(\.parameter.observer).filter {
      seen.insert(ObjectIdentifier($0)).inserted
    }
  }

  /// Forgets all gradients.
  public func zeroGradients() {
    for group in groups {
      for named in group.parameters { named.parameter.gradient = nil }
    }
  }
}
