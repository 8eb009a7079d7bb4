import Foundation

/// Where numbers stand along one side of a picture.
struct PictureAxis {
  /// The numbers that are marked, each with its text.
  let ticks: [(value: Double, text: String)]
  private let range: ClosedRange<Double>
  private let pixels: (from: Double, to: Double)
  private let isLogarithmic: Bool

  /// An axis that holds all values, with some room around them.
  ///
  /// - Parameters:
  ///   - values: of at least one finite number; all positive where the axis is logarithmic.
  ///   - pixels: where the least and the largest value stand; the first may be the larger one.
  ///   - isLogarithmic: whether equal ratios are equally far from each other.
  init(_ values: [Double], pixels: (from: Double, to: Double), isLogarithmic: Bool) {
    let scaled = isLogarithmic ? values.map(log) : values
    let (least, largest) = (scaled.min() ?? 0, scaled.max() ?? 1)
    let room = max(0.06 * (largest - least), isLogarithmic ? 0.02 : 0.02 * abs(largest), 1e-9)
    range = (least - room)...(largest + room)
    (self.pixels, self.isLogarithmic) = (pixels, isLogarithmic)
    let shown =
      isLogarithmic ? exp(range.lowerBound)...exp(range.upperBound) : range
    ticks =
      isLogarithmic && shown.upperBound / shown.lowerBound > 4
      ? Self.decades(shown) : Self.even(shown)
  }

  /// Where a value stands.
  func place(_ value: Double) -> Double {
    let scaled = isLogarithmic ? log(value) : value
    let share = (scaled - range.lowerBound) / (range.upperBound - range.lowerBound)
    return pixels.from + share * (pixels.to - pixels.from)
  }

  /// Multiples of one, two or five times a power of ten.
  private static func even(_ range: ClosedRange<Double>) -> [(Double, String)] {
    let rough = (range.upperBound - range.lowerBound) / 6
    let power = pow(10, floor(log10(rough)))
    let step = power * ([1, 2, 5].first { $0 * power >= rough } ?? 10)
    let digits = max(0, Int(-floor(log10(step))))
    return (Int((range.lowerBound / step).rounded(.up))...Int(range.upperBound / step)).map {
      (Double($0) * step, (Double($0) * step).rounded(digits: digits))
    }
  }

  /// One, two and five in every decade.
  private static func decades(_ range: ClosedRange<Double>) -> [(Double, String)] {
    let exponents = Int(floor(log10(range.lowerBound)))...Int(floor(log10(range.upperBound)))
    return exponents.flatMap { exponent in
      [1.0, 2, 5].map { $0 * pow(10, Double(exponent)) }
        .filter(range.contains)
        .map { ($0, $0.rounded(digits: max(0, -exponent))) }
    }
  }
}
