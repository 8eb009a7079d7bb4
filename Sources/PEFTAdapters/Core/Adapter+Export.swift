import PEFTCheckpoints
import PEFTTensor
import PEFTTransformer

extension Adapter {
  /// Writes a folder with a LoRA of given factors in place of what this adapter does to linear layers; the copies that it trains
  /// go with it.
  ///
  /// - Parameters:
  ///   - lora: the settings; what they select is replaced by what this adapter adapts.
  ///   - factors: A `[R, N]` and B `[M, R]` by the path of the module.
  ///   - folder: is made where it does not exist.
  ///   - baseModel: the name or path of the base that the file mentions; nil for the folder of the model.
  /// - Returns: the folder that holds the files.
  /// - Throws: `AdapterError.file` where something cannot be written.
  func export(
    _ lora: LoRA, _ factors: [(path: String, a: Tensor, b: Tensor)], to folder: String,
    baseModel: String?
  ) throws(AdapterError) -> String {
    var lora = lora
    lora.selection = spelledOut.selection
    var items: [SafetensorsFile.Item] = []
    for (path, a, b) in factors {
      items.append(.init(AdapterFile.name("lora_A.weight", at: path), a))
      items.append(.init(AdapterFile.name("lora_B.weight", at: path), b))
    }
    for copy in copies where copy.isTrained {
      items.append(.init(AdapterFile.prefix + copy.key, copy.copy.value))
    }
    return try write(lora.fields(storageContext(baseModel)), items, to: folder)
  }
}
