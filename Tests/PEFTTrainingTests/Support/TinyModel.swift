import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer

/// A GPT-2 of two layers and width 16 with random parameters, all of them trained.
enum TinyModel {
  static let vocabulary = 23

  static func make(dropout: Double = 0) throws -> CausalLM {
    let model = try Files.withTemporaryFolder { folder in
      try write(to: folder, dropout: dropout)
      return try CausalLM(directory: folder.path)
    }
    model.unfreeze()
    return model
  }

  /// Rows of unequal length that repeat a pattern, with a prompt that is not learned.
  static func rows(_ count: Int, seed: UInt64) -> (ids: [[Int32]], labels: [[Int32]]) {
    var random = SeededRandom(seed)
    var (ids, labels): ([[Int32]], [[Int32]]) = ([], [])
    for _ in 0..<count {
      let first = Int32.random(in: 0..<5, using: &random)
      let length = Int.random(in: 4...11, using: &random)
      let row = (0..<Int32(length)).map { (first + 3 * $0) % Int32(vocabulary) }
      let prompt = Int.random(in: 1..<length - 1, using: &random)
      ids.append(row)
      labels.append(row.enumerated().map { $0 < prompt ? TokenBatch.ignored : $1 })
    }
    return (ids, labels)
  }

  private static func write(to folder: URL, dropout: Double) throws {
    let configuration = """
      {"model_type": "gpt2", "vocab_size": \(vocabulary), "n_embd": 16, "n_layer": 2, "n_head": 2,
       "n_positions": 32, "embd_pdrop": \(dropout), "attn_pdrop": \(dropout),
       "resid_pdrop": \(dropout)}
      """
    try Data(configuration.utf8).write(to: folder.appendingPathComponent("config.json"))
    var shapes: [(String, [Int])] = [("wte.weight", [vocabulary, 16]), ("wpe.weight", [32, 16])]
    for layer in 0..<2 {
      for (name, shape) in [
        ("ln_1", [16]), ("attn.c_attn", [16, 48]), ("attn.c_proj", [16, 16]), ("ln_2", [16]),
        ("mlp.c_fc", [16, 64]), ("mlp.c_proj", [64, 16]),
      ] {
        shapes.append(("h.\(layer).\(name).weight", shape))
        shapes.append(("h.\(layer).\(name).bias", shape.suffix(1)))
      }
    }
    shapes += [("ln_f.weight", [16]), ("ln_f.bias", [16])]
    var random = SeededRandom(3)
    let items = shapes.map { name, shape in
      let isGain = name.contains("ln_") && name.hasSuffix("weight")
      return SafetensorsFile.Item(
        "transformer.\(name)", random.tensor(shape, in: isGain ? 0.9...1.1 : -0.2...0.2))
    }
    try SafetensorsFile.write(items, to: folder.appendingPathComponent("model.safetensors").path)
  }
}
