/// Why a decomposition or a solution could not be computed.
public enum LinearAlgebraError: Error, Hashable, Sendable {
  /// An operand holds an infinity or a NaN; found before LAPACK was called.
  case nonFinite(operation: String, shape: [Int])
  /// The iteration of the routine did not converge.
  case noConvergence(operation: String, shape: [Int])
  /// A Cholesky factorisation met a leading minor (from 1) that is not positive.
  case notPositiveDefinite(operation: String, shape: [Int], leadingMinor: Int)
  /// LAPACK refused an argument, numbered from 1.
  case illegalArgument(operation: String, shape: [Int], position: Int)
  /// LAPACK could not get its work space.
  case outOfMemory(operation: String, shape: [Int])
}

extension LinearAlgebraError: CustomStringConvertible {
  /// The operation, the shape and what went wrong.
  public var description: String {
    switch self {
    case .nonFinite(let operation, let shape):
      "\(operation): the operand of shape \(shape) holds an infinity or a NaN; "
        + "look for a step of training that diverged or a damaged file"
    case .noConvergence(let operation, let shape):
      "\(operation): no convergence for shape \(shape); scaling the matrix may help"
    case .notPositiveDefinite(let operation, let shape, let minor):
      "\(operation): the matrix of shape \(shape) is not positive definite "
        + "(leading minor \(minor)); adding a small multiple of the identity may help"
    case .illegalArgument(let operation, let shape, let position):
      "\(operation): LAPACK refused argument \(position) for shape \(shape)"
    case .outOfMemory(let operation, let shape):
      "\(operation): no memory for LAPACK's work space for shape \(shape)"
    }
  }
}

extension LinearAlgebraError {
  /// What a positive `info` of a LAPACK routine says.
  enum Failure {
    case noConvergence
    case notPositiveDefinite
  }

  /// Throws where `info`, the result of a LAPACKE call, is not 0.
  static func check(
    _ info: Int32, _ operation: String, _ shape: [Int], positive: Failure = .noConvergence
  ) throws(LinearAlgebraError) {
    if info == 0 { return }
    if Kernels.isOutOfMemory(info) { throw .outOfMemory(operation: operation, shape: shape) }
    if info < 0 {
      throw .illegalArgument(operation: operation, shape: shape, position: Int(-info))
    }
    switch positive {
    case .noConvergence: throw .noConvergence(operation: operation, shape: shape)
    case .notPositiveDefinite:
      throw .notPositiveDefinite(operation: operation, shape: shape, leadingMinor: Int(info))
    }
  }

  /// Throws where the tensor holds an infinity or a NaN, on which LAPACK may loop or crash.
  static func checkFinite(_ tensor: Tensor, _ operation: String) throws(LinearAlgebraError) {
    if !tensor.isFinite { throw .nonFinite(operation: operation, shape: tensor.shape) }
  }
}
