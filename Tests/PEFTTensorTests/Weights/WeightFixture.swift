import Foundation
import PEFTTensor
import PEFTTestSupport

/// What bitsandbytes made of some weights; see Tests/Fixtures/Weights/make_weights.py.
struct WeightFixture: Decodable {
  struct Case: Decodable {
    var name: String
    var shape: [Int]
    var weight: Data
    var dequantized: Data
    var tensors: [String: Data]
    var json: String

    var tensor: Tensor { Tensor(WeightFixture.floats(weight), shape: shape) }

    var code: FourBitCode { json.contains("\"fp4\"") ? .fp4 : .nf4 }

    /// The tensors and the state as a reader of files would hand them over.
    var serialized: FourBitWeight.Serialized {
      var result = FourBitWeight.Serialized(
        code: code, shape: shape, weight: Array(tensors["weight"] ?? Data()),
        absmax: Array(tensors["absmax"] ?? Data()))
      if let absmax = tensors["nested_absmax"], let map = tensors["nested_quant_map"],
        let text = json.components(separatedBy: "\"nested_offset\": ").last?.dropLast(),
        let offset = Double(text)
      {
        result.nested = FourBitWeight.Serialized.Nested(
          absmax: WeightFixture.floats(absmax), quantMap: WeightFixture.floats(map),
          offset: Float(offset))
      }
      return result
    }
  }

  var signed: Data
  var unsigned: Data
  var cases: [Case]

  static func load(_ code: FourBitCode = .nf4) throws -> WeightFixture {
    let data = try Data(contentsOf: Files.fixture("Weights/\(code.rawValue).json"))
    return try JSONDecoder().decode(WeightFixture.self, from: data)
  }

  static func floats(_ data: Data) -> [Float] {
    data.withUnsafeBytes { bytes in
      (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }
}
