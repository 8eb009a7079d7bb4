internal import PEFTJSON
package import PEFTTensor
import PEFTTransformer

/// Some numbers of the output of a model for its probe.
package struct OutputProbe: Sendable {
  /// The name in the metadata of an adapter file.
  static let field = "swift_peft.probe"
  private static let count = 16

  private let shape: [Int]
  /// Elements at even distances, to four digits.
  private let values: [Double]
  /// The largest element without its sign, to four digits.
  private let largest: Double

  /// The numbers of an output.
  package init(_ output: Tensor) {
    let elements = output.array
    shape = output.shape
    let count = min(Self.count, elements.count)
    values = (0..<count).map {
      Self.rounded(elements[$0 * (elements.count - 1) / max(1, count - 1)])
    }
    largest = Self.rounded(elements.reduce(0) { max($0, abs($1)) })
  }

  /// Reads what stands in the metadata; nil where it has another form.
  package init?(text: String) {
    guard let json = try? JSON(parsing: Array(text.utf8)),
      let shape = json["shape"]?.elements?.compactMap(\.integer),
      let values = json["values"]?.elements?.compactMap(\.number),
      let largest = json["largest"]?.number
    else { return nil }
    (self.shape, self.values, self.largest) = (shape, values, largest)
  }

  /// What stands in the metadata.
  var text: String {
    JSON.object([
      .init("largest", .number(largest)), .init("shape", .array(shape.map(JSON.integer))),
      .init("values", .array(values.map(JSON.number))),
    ]).text(.compact)
  }

  /// The largest difference to another, and what rounding may explain.
  func difference(to other: OutputProbe) -> (found: Float, allowed: Float) {
    guard shape == other.shape, values.count == other.values.count else { return (.infinity, 0) }
    let found = zip(values, other.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
    return (Float(found), Float(1e-3 * max(largest, other.largest)))
  }

  /// Few digits, so that the last bits of a sum do not matter.
  private static func rounded(_ value: Float) -> Double {
    guard value.isFinite, value != 0 else { return 0 }
    let digits = 4
    let exponent = Double(abs(value)).exponentOfTen - digits + 1
    let unit = exponent < 0 ? 1 / power(-exponent) : power(exponent)
    return Double("\((Double(value) / unit).rounded())e\(exponent)") ?? 0
  }

  private static func power(_ exponent: Int) -> Double {
    (0..<exponent).reduce(1.0) { value, _ in value * 10 }
  }
}

extension Double {
  /// The exponent of the largest power of ten that is not above this positive number.
  fileprivate var exponentOfTen: Int {
    var (exponent, value) = (0, self)
    while value >= 10 { (value, exponent) = (value / 10, exponent + 1) }
    while value < 1 { (value, exponent) = (value * 10, exponent - 1) }
    return exponent
  }
}

extension Adapter {
  /// Checks that the model gives the output that it gave when the folder was saved which the adapter was loaded from.
  ///
  /// One forward pass. The check needs a base in the precision of that time, and this adapter alone active.
  ///
  /// - Returns: whether there was something to compare with.
  /// - Throws: `AdapterError.otherOutput` where the outputs differ by more than rounding explains.
  @discardableResult
  public func checkOutput() throws(AdapterError) -> Bool {
    guard let (path, expected) = loadedProbe, let host else { return false }
    let (difference, allowed) = OutputProbe(host.probeOutput()).difference(to: expected)
    if !(difference <= allowed) {
      throw .otherOutput(path: path, difference: difference, allowed: allowed)
    }
    return true
  }
}
