internal import Foundation
internal import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor
public import PEFTTransformer

/// What tells one base from another: names, shapes, and two elements of every parameter.
///
/// It costs two elements a parameter, whatever their size. It does not depend on how weights are kept: the folder in float32, its
/// copies in bfloat16, float16 and NF4 are the same base, since elements are compared to within the rounding of the coarser of the
/// two. With NF4, which rounds coarsely, its linear layers are compared as a whole, the others element by element as ever.
public struct BaseFingerprint: Sendable, Hashable {
  /// The family.
  public let modelType: String
  /// The number of parameters of the base.
  public let parameterCount: Int
  /// A hash of all names and shapes.
  public let structure: String
  /// Two elements of each parameter in the order of the model.
  let samples: [Float]
  /// A letter for each parameter: `q` where it is kept in four bits, `f` elsewhere.
  let storage: String

  /// A short name for the whole.
  public var id: String {
    var hash = WordHash()
    hash.add(structure)
    for sample in samples { hash.add(UInt64(sample.bitPattern)) }
    return WordHash.text(hash.value)
  }

  /// The fingerprint of the base of a model, without what is merged into it.
  public init(_ model: some AdapterHost) {
    var (hash, count) = (WordHash(), 0)
    var samples: [Float] = []
    var storage = ""
    for named in model.walk(includingAdapters: false).parameters {
      let (path, parameter) = (named.path, named.parameter)
      hash.add(path)
      for size in parameter.shape { hash.add(UInt64(size) &+ 0x100) }
      count += parameter.count
      let content = model.adapters.pristine[ObjectIdentifier(parameter)]?.content
      storage += (content?.isQuantized ?? parameter.content.isQuantized) ? "q" : "f"
      let elements = Self.places(path, parameter.count)
      samples += content?.elements(elements) ?? parameter.content.elements(elements)
    }
    modelType = model.modelType
    parameterCount = count
    structure = WordHash.text(hash.value)
    (self.samples, self.storage) = (samples, storage)
  }

  /// Why a model with this fingerprint is not the base of one with the other; nil where it may be.
  ///
  /// - Parameters:
  ///   - other: of the base that an adapter was saved for.
  ///   - ignored: places of parameters that the adapter brings along.
  /// - Returns: the reason, for a message.
  package func difference(to other: BaseFingerprint, ignoring ignored: Set<Int> = []) -> String? {
    if modelType != other.modelType { return "it is another family" }
    if structure != other.structure || samples.count != other.samples.count {
      return "names or shapes of its parameters differ"
    }
    var (error, size, wrong) = (0.0, 0.0, 0)
    for (index, (pair, kinds)) in zip(
      zip(samples, other.samples),
      zip(storage.utf8, other.storage.utf8).flatMap { [$0, $0] }
    ).enumerated() where !ignored.contains(index / 2) {
      if kinds.0 == UInt8(ascii: "q") || kinds.1 == UInt8(ascii: "q") {
        let difference = Double(pair.0) - Double(pair.1)
        error += difference * difference
        size += max(Double(pair.0) * Double(pair.0), Double(pair.1) * Double(pair.1))
      } else if !Self.isSame(pair.0, pair.1) {
        wrong += 1
      }
    }
    if wrong > 0 { return "\(wrong) of \(samples.count) sampled weights differ" }
    // A twentieth is usual for four bits; weights that have nothing to do with each other give one or more.
    return error > 0.3 * size ? "its weights in four bits are not near those" : nil
  }

  /// Whether one may be the other rounded to bfloat16 or float16.
  private static func isSame(_ one: Float, _ other: Float) -> Bool {
    if one == other || one.isNaN && other.isNaN { return true }
    // Rounding twice, to float16 and then to bfloat16, costs a little more than rounding once.
    let isCoarse = one == brain(one) || other == brain(other)
    guard isCoarse || one == half(one) || other == half(other) else { return false }
    return abs(one - other) <= max(abs(one), abs(other)) / (isCoarse ? 256 : 2048) + 6e-8
  }

  private static func brain(_ value: Float) -> Float {
    let bits = value.bitPattern
    if !value.isFinite { return value }
    return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
  }

  /// The nearest number with 11 bits, or that is a multiple of the smallest of float16.
  private static func half(_ value: Float) -> Float {
    guard value.isFinite, value != 0 else { return value }
    let unit = Float(sign: .plus, exponent: max(value.exponent, -14) - 10, significand: 1)
    return (value / unit).rounded(.toNearestOrEven) * unit
  }

  /// Two places that depend on the name.
  private static func places(_ path: String, _ count: Int) -> [Int] {
    var hash = WordHash()
    hash.add(path)
    return [hash.value, hash.value &* 0x9E37_79B9_7F4A_7C15].map {
      count == 0 ? 0 : Int(($0 >> 1) % UInt64(count))
    }
  }
}

extension BaseFingerprint: CustomStringConvertible {
  /// The family, the number of parameters and the short name.
  public var description: String { "\(modelType) with \(parameterCount) parameters, \(id)" }
}

extension BaseFingerprint {
  /// The name in the metadata of an adapter file.
  static let field = "swift_peft.base"

  /// What stands in the metadata.
  package var text: String {
    JSON.object([
      .init("id", .string(id)), .init("model_type", .string(modelType)),
      .init("parameters", .integer(parameterCount)),
      .init(
        "samples",
        .string(
          samples.map {
            let digits = String($0.bitPattern, radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
          }.joined())),
      .init("storage", .string(storage)), .init("structure", .string(structure)),
    ]).text(.compact)
  }

  /// Reads what stands in the metadata; nil where it is no fingerprint of this form.
  package init?(text: String) {
    guard let json = try? JSON(parsing: Array(text.utf8)),
      let type = json["model_type"]?.string, let count = json["parameters"]?.integer,
      let structure = json["structure"]?.string, let digits = json["samples"]?.string,
      let storage = json["storage"]?.string, digits.utf8.count == storage.utf8.count * 16
    else { return nil }
    let units = Array(digits.utf8)
    var samples: [Float] = []
    for place in stride(from: 0, to: units.count, by: 8) {
      guard let bits = UInt32(String(decoding: units[place..<place + 8], as: UTF8.self), radix: 16)
      else { return nil }
      samples.append(Float(bitPattern: bits))
    }
    (modelType, parameterCount, self.structure) = (type, count, structure)
    (self.samples, self.storage) = (samples, storage)
  }
}
