import PEFTTensor
import PEFTTransformer

extension LoRA {
  /// What PEFT puts before the path of every module in an adapter file.
  static let filePrefix = "base_model.model."

  /// The names of the tensors of an adapter file, by the path of the module, without the prefix.
  enum Key {
    static func a(_ path: String) -> String { path + ".lora_A.weight" }
    static func b(_ path: String) -> String { path + ".lora_B.weight" }
    static func bias(_ path: String) -> String { path + ".lora_B.bias" }
    static func embeddingA(_ path: String) -> String { path + ".lora_embedding_A" }
    static func embeddingB(_ path: String) -> String { path + ".lora_embedding_B" }
    static func base(_ path: String) -> String { path + ".base_layer.weight" }
  }
}

extension LoRA.Resolution {
  /// The tensors that a file of this adapter has to hold, by their names there.
  var expectedTensors: [(name: String, shape: [Int])] {
    var result: [(key: String, shape: [Int])] = []
    for (match, _) in linears {
      result.append((LoRA.Key.a(match.path), [match.rank, match.inputs]))
      result.append((LoRA.Key.b(match.path), [match.outputs, match.rank]))
      if spelledOut.hasBias { result.append((LoRA.Key.bias(match.path), [match.outputs])) }
    }
    for (match, _) in embeddings {
      result.append((LoRA.Key.embeddingA(match.path), [match.rank, match.inputs]))
      result.append((LoRA.Key.embeddingB(match.path), [match.outputs, match.rank]))
    }
    for (key, parameter) in copies { result.append((key, parameter.shape)) }
    return result.map { (LoRA.filePrefix + $0.key, $0.shape) }
  }

  /// Weights of the base that a file may hold beside the adapter, by their names there.
  var optionalBases: [(name: String, parameter: Parameter)] {
    let all = linears.map { ($0.match.path, $0.layer.weight) }
    return (all + embeddings.map { ($0.match.path, $0.layer.weight) }).map {
      (LoRA.filePrefix + LoRA.Key.base($0.0), $0.1)
    }
  }

  /// Whether a tensor is one that PEFT writes twice: `bias: "all"` finds those of a saved module under its inner names too.
  func isDuplicate(_ name: String) -> Bool {
    copies.contains { key, _ in
      guard let dot = key.lastIndex(of: ".") else { return false }
      let (module, own) = (key[..<dot], key[dot...])
      return ["modules_to_save", "original_module"].contains {
        name == LoRA.filePrefix + "\(module).\($0)\(own)"
      }
    }
  }
}

extension LoRAAdapter {
  /// Every tensor that is trained, by its name in a file.
  var trainedTensors: [(name: String, parameter: Parameter)] {
    var result: [(key: String, parameter: Parameter)] = []
    for (path, _, layer) in layers {
      result.append((LoRA.Key.a(path), layer.a))
      result.append((LoRA.Key.b(path), layer.b))
      if let bias = layer.bias { result.append((LoRA.Key.bias(path), bias)) }
    }
    for (path, _, layer) in embeddings {
      result.append((LoRA.Key.embeddingA(path), layer.a))
      result.append((LoRA.Key.embeddingB(path), layer.b))
    }
    for copy in copies where copy.isTrained { result.append((copy.key, copy.copy)) }
    return result.map { (LoRA.filePrefix + $0.key, $0.parameter) }
  }
}
