import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// What a training run ended with.
struct OracleOutcome {
  let losses: [Double]
  let logits: Tensor
  /// The tensors that the adapter saves.
  let tensors: [String: Tensor]

  /// The largest differences to another run: of losses as a share, of logits as a share of the largest, of tensors.
  func distance(to other: OracleOutcome) -> OracleTolerances {
    let largest = other.logits.array.reduce(0) { max($0, abs($1)) }
    return OracleTolerances(
      loss: zip(losses, other.losses).map { difference($0, $1) / abs($1) }.max() ?? 0,
      logits: logits.largestDifference(to: other.logits) / Double(largest),
      tensors: tensors.map { $1.largestDifference(to: other.tensors[$0] ?? $1) }.max() ?? 0)
  }
}

/// How far losses, as a share, final logits, as a share of the largest, and tensors may be off.
struct OracleTolerances: CustomStringConvertible {
  var loss: Double
  var logits: Double
  var tensors: Double

  var description: String {
    String(format: "%.1e (losses), %.1e (logits), %.1e (tensors)", loss, logits, tensors)
  }

  /// AdaLoRA's first gradients are next to nothing, and Adam makes whole steps of their rounding.
  static let adaLoRA = OracleTolerances(loss: 5e-3, logits: 2e-2, tensors: 1e-2)

  /// The larger of each.
  static func larger(_ a: OracleTolerances, _ b: OracleTolerances) -> OracleTolerances {
    OracleTolerances(
      loss: max(a.loss, b.loss), logits: max(a.logits, b.logits), tensors: max(a.tensors, b.tensors)
    )
  }

  static func * (a: OracleTolerances, factor: Double) -> OracleTolerances {
    OracleTolerances(loss: a.loss * factor, logits: a.logits * factor, tensors: a.tensors * factor)
  }

  /// The smaller of each.
  static func smaller(_ a: OracleTolerances, _ b: OracleTolerances) -> OracleTolerances {
    OracleTolerances(
      loss: min(a.loss, b.loss), logits: min(a.logits, b.logits), tensors: min(a.tensors, b.tensors)
    )
  }

  /// Whether nothing is off by more than another allows.
  func isWithin(_ other: OracleTolerances) -> Bool {
    loss <= other.loss && logits <= other.logits && tensors <= other.tensors
  }
}

/// How much of a run is decided by the last bits of its weights.
///
/// Adam turns the sign of a gradient that nearly cancels into a whole step, so that the run of some
/// seeds is not determined by float32 weights to the accuracy that others have: PEFT's own runs in float32 and float64
/// differ there as well. A change of every weight in its last bits measures it.
enum OracleConditioning {
  /// The largest differences that twelve such changes make, twice: PEFT's rounding and ours.
  ///
  /// Bounded, so that wrong mathematics shows in any case.
  ///
  /// - Parameters:
  ///   - plain: how the run went with the weights as they are.
  ///   - moved: the run with weights moved by a generator.
  /// - Returns: what the run may be off by in addition.
  /// - Throws: what the run throws.
  static func spread(
    _ plain: OracleOutcome, _ moved: (inout Generator) throws -> OracleOutcome
  ) throws -> OracleTolerances {
    var largest = OracleTolerances(loss: 0, logits: 0, tensors: 0)
    for seed in 1...12 {
      var generator = Generator(seed: UInt64(seed))
      largest = .larger(largest, try moved(&generator).distance(to: plain))
    }
    return .smaller(
      largest * 2, OracleTolerances(loss: 5e-3, logits: 3e-2, tensors: 3e-2))
  }

  /// Moves every element other than 0 by four units in the last place, up or down by chance: about
  /// what float32 loses in a product of the length of these models.
  static func move(_ parameters: [NamedParameter], _ generator: inout Generator) {
    for named in parameters where !named.parameter.isTied {
      let value = named.parameter.value
      let moved = value.array.map {
        $0 == 0 ? 0 : $0 + (generator.next() & 1 == 0 ? 4 : -4) * $0.ulp
      }
      named.parameter.value = Tensor(moved, shape: value.shape)
    }
  }
}

extension Tensor {
  fileprivate func largestDifference(to other: Tensor) -> Double {
    guard shape == other.shape else { return .infinity }
    return zip(array, other.array).reduce(0) { max($0, difference(Double($1.0), Double($1.1))) }
  }
}

/// The distance of two numbers; infinite where one is none.
private func difference(_ a: Double, _ b: Double) -> Double {
  let difference = abs(a - b)
  return difference.isNaN ? .infinity : difference
}
