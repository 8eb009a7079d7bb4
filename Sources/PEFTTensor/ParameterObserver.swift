/// Acts around every change that an optimiser makes to parameters, whatever loop drives it.
///
/// An optimiser calls each observer of its parameters once a step.
public protocol ParameterObserver: AnyObject {
  /// Before the change: the gradients are complete but for the factor.
  ///
  /// - Parameter gradientScale: what the optimiser multiplies gradients by, as to clip them.
  func parametersWillChange(gradientScale: Float)

  /// After the change, while the gradients are still there.
  ///
  /// - Parameter gradientScale: as before.
  func parametersDidChange(gradientScale: Float)

  /// Whether it takes from backward passes, now or later, what is no gradient of a trained parameter.
  ///
  /// Processes that train together on rows of their own add up gradients, and would not agree about such things.
  var seesRowsOfThisProcess: Bool { get }
}

extension ParameterObserver {
  /// False.
  public var seesRowsOfThisProcess: Bool { false }
  /// Does nothing.
  public func parametersWillChange(gradientScale: Float) {}
  /// Does nothing.
  public func parametersDidChange(gradientScale: Float) {}
}
