import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer

/// A tiny ViT that Transformers saved, and what it computed with it; see `make_vits.py`.
struct ImageFixture {
  /// Those with a head.
  static let classifiers = ["vit", "vit-uneven"]
  static let names = classifiers + ["vit-bare"]

  let name: String
  let folder: String
  private let expected: SafetensorsFile

  init(_ name: String) throws {
    self.name = name
    folder = Files.fixture("Models/\(name)").path
    expected = try SafetensorsFile(path: folder + "/expected.safetensors")
  }

  func classifier() throws -> ImageClassifier { try ImageClassifier(directory: folder) }
  func tensor(_ name: String) throws -> Tensor { try expected.tensor(name) }
  func has(_ name: String) -> Bool { expected[name] != nil }

  /// The pictures, or those of another size.
  func pixels(_ name: String = "pixels") throws -> PixelBatch {
    let tensor = try expected.tensor(name)
    return PixelBatch(tensor.array, shape: tensor.shape)
  }

  func batch() throws -> ImageClassificationBatch {
    ImageClassificationBatch(try pixels(), labels: try expected.indices("labels").values)
  }

  /// The parameters whose gradient is stored.
  var gradients: [String] {
    expected.names.filter { $0.hasPrefix("gradient.") }.map { String($0.dropFirst(9)) }
  }
}
