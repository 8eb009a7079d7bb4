import PEFTCheckpoints
import PEFTTensor
import PEFTTransformer

extension Adapter {
  /// Writes the adapter as a GGUF file, which llama.cpp puts on a GGUF of the same base.
  ///
  /// Every adapter whose changes are sums of narrow products can be written: LoRA of all scalings and ranks, AdaLoRA and others. One number is
  /// alpha for all, so what scales differ from it is multiplied into B. Queries and keys of Llama and Mistral have their rows in the order
  /// of llama.cpp.
  ///
  /// - Parameter path: the file to be replaced.
  /// - Throws: `AdapterError.notAdaptable` for what the format cannot hold: DoRA, biases, modules that are trained as a whole, a tied head;
  ///   `AdapterError.wrongState` for a family that llama.cpp calls otherwise; `AdapterError.file`.
  public func exportGGUF(to path: String) throws(AdapterError) {
    guard let host = host as? any PretrainedModel else {
      throw .wrongState("\"\(name)\" is on no model of a family, so llama.cpp has no names for it")
    }
    let names = try GGUFNames(host.modelType)
    let changes = try lowRankChanges(for: "a GGUF adapter")
    let alpha = Float(changes.map { $0.a.shape[0] }.max() ?? 1)
    var file = GGUFWriter()
    file.set("general.architecture", .string(names.architecture))
    file.set("general.type", .string("adapter"))
    file.set("general.name", .string(name))
    file.set("general.file_type", .uint32(0))
    file.set("general.quantization_version", .uint32(2))
    file.set("adapter.type", .string("lora"))
    file.set("adapter.lora.alpha", .float32(alpha))
    for change in changes {
      let path = change.site.path
      guard let name = names.name(path) else {
        throw .notAdaptable(
          module: path, reason: "llama.cpp has no matrix for it in \(names.architecture)")
      }
      if name == "output", host.outputHead?.weight.isTied ?? false {
        throw .notAdaptable(
          module: path,
          reason:
            "it shares the weight of the embedding, so a GGUF has no matrix for it; merge the adapter instead"
        )
      }
      // llama.cpp scales with alpha / R, R from the shape.
      let rank = Float(change.a.shape[0])
      var b = change.b
      let factor = change.scale * rank / alpha
      if factor != 1 { b = b * factor }
      if let heads = names.interleavedHeads(path, host.configuration) {
        b = b.interleavingHeads(heads)
      }
      let isEmbedding = change.site.embedding != nil
      file.add("\(name).weight.lora_a", isEmbedding ? change.a.transposed.contiguous : change.a)
      file.add("\(name).weight.lora_b", b)
    }
    do throws(CheckpointError) { try file.write(to: path) } catch { throw .file(error) }
  }
}

extension Tensor {
  /// Rows `[heads, 2, K/2]` in the order `[heads, K/2, 2]`.
  fileprivate func interleavingHeads(_ heads: Int) -> Tensor {
    let half = shape[0] / heads / 2
    let order = (0..<shape[0]).map { row in
      let (head, place) = (row / (2 * half), row % (2 * half))
      return Int32(head * 2 * half + place % 2 * half + place / 2)
    }
    return withoutGradients { contiguous.rows(at: Indices(order, shape: [order.count])) }
  }
}
