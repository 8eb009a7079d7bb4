package import PEFTCheckpoints
package import PEFTTensor

extension CausalLM {
  /// The weights that a model folder has for linear layers that are kept in another precision than float32.
  ///
  /// - Parameter folder: of the same model.
  /// - Returns: each parameter and its value there, in float32.
  /// - Throws: `CheckpointError` where one is missing or has another shape.
  package func originalWeights(
    in folder: String
  ) throws(CheckpointError) -> [(parameter: Parameter, value: Tensor)] {
    let source = CheckpointParameters(try Checkpoint(folder: folder), configuration)
    var result: [(parameter: Parameter, value: Tensor)] = []
    for (path, module) in walk(includingAdapters: false).modules {
      guard let layer = module as? Linear, layer.weight.storage != nil else { continue }
      if layer.weight.isTied(to: decoder.tokens.weight) {
        // A tied head has a storage of its own; a new value of the embedding, which stayed float32, ends it.
        result.append((decoder.tokens.weight, decoder.tokens.weight.value))
        continue
      }
      let original = try source.parameter("\(path).weight", layer.weight.shape, .zeros)
      result.append((layer.weight, original.value))
    }
    return result
  }
}
