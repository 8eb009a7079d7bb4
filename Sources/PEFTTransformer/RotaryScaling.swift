internal import Foundation
import PEFTTensor

/// The frequencies of rotary positions, and how they are stretched for long sequences.
///
/// Agrees with the rules of Transformers' `modeling_rope_utils` for the kinds listed.
public struct RotaryScaling: Sendable, Hashable {
  /// The kinds of stretching.
  public enum Kind: Sendable, Hashable {
    /// None.
    case standard
    /// Every frequency divided by a factor (position interpolation, arXiv 2306.15595).
    case linear(factor: Double)
    /// The base grows with the length of a sequence beyond the trained one ("NTK-aware").
    case dynamic(factor: Double)
    /// Low frequencies divided by a factor, high ones kept, those between blended (Llama 3.1).
    case llama3(factor: Double, lowFactor: Double, highFactor: Double, trainedPositions: Int)
  }

  /// The base of the geometric series of wavelengths (`rope_theta`).
  public var base: Double
  /// How they are stretched.
  public var kind: Kind

  /// A base and a kind of stretching.
  public init(base: Double, kind: Kind = .standard) {
    (self.base, self.kind) = (base, kind)
  }

  /// Whether the frequencies depend on the length of the sequence, so that every layer's output for a token changes with it.
  public var dependsOnLength: Bool {
    if case .dynamic = kind { true } else { false }
  }

  /// Radians a position of every pair of a head.
  ///
  /// - Parameters:
  ///   - headWidth: K, even.
  ///   - length: how many positions the sequence has.
  ///   - maximumPositions: how many positions the model was made for.
  /// - Returns: K / 2 frequencies.
  public func frequencies(headWidth: Int, length: Int, maximumPositions: Int) -> [Double] {
    var base = base
    if case .dynamic(let factor) = kind {
      let ratio = Double(max(length, maximumPositions)) / Double(maximumPositions)
      base *= pow(factor * ratio - (factor - 1), Double(headWidth) / Double(headWidth - 2))
    }
    let plain = stride(from: 0, to: headWidth, by: 2).map {
      1 / pow(base, Double($0) / Double(headWidth))
    }
    switch kind {
    case .standard, .dynamic: return plain
    case .linear(let factor): return plain.map { $0 / factor }
    case .llama3(let factor, let low, let high, let trained):
      return plain.map { frequency in
        let waves = Double(trained) * frequency / (2 * .pi)
        if waves < low { return frequency / factor }
        if waves > high { return frequency }
        let share = (waves - low) / (high - low)
        return (1 - share) * frequency / factor + share * frequency
      }
    }
  }
}

/// Keeps the table of one model, and makes it anew when a longer one is needed.
final class RotaryPositions {
  /// Setting it makes the table anew.
  var scaling: RotaryScaling {
    didSet { table = nil }
  }
  private let headWidth: Int
  private let maximumPositions: Int
  private var table: RotaryTable?
  private var tableLength = 0

  init(_ scaling: RotaryScaling, headWidth: Int, maximumPositions: Int) {
    (self.scaling, self.headWidth) = (scaling, headWidth)
    self.maximumPositions = maximumPositions
  }

  /// A table that covers `length` positions, with the frequencies that such a sequence has.
  func table(length: Int) -> RotaryTable {
    let isStale =
      scaling.dependsOnLength && max(tableLength, maximumPositions) != max(length, maximumPositions)
    if let table, table.positions >= length, !isStale { return table }
    let new = RotaryTable(
      frequencies: scaling.frequencies(
        headWidth: headWidth, length: length, maximumPositions: maximumPositions),
      positions: scaling.dependsOnLength
        ? max(length, min(maximumPositions, 2 * length)) : 2 * length)
    (table, tableLength) = (new, length)
    return new
  }
}
