import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor

extension Adapter {
  /// Writes the adapter as plain LoRA of twice the rank, for the base as it is.
  ///
  /// `s B A - s B0 A0` is one product of `[B, -B0]` and `[A; A0]`; alpha is set so that s is kept. It is for adapters whose
  /// start was taken out of the base, as PiSSA's; a reader need not know how it was found. DoRA stays DoRA.
  ///
  /// - Parameters:
  ///   - folder: as in `save`.
  ///   - baseModel: as in `save`.
  /// - Returns: the folder that holds the files.
  /// - Throws: `AdapterError.wrongState` for an adapter of another kind, and what `save` throws.
  @discardableResult
  public func exportAsLoRA(
    to folder: String, baseModel: String? = nil
  ) throws(AdapterError) -> String {
    guard let method = spelledOut as? LoRA, method.initialization.startRole != nil else {
      throw .wrongState(
        "\"\(name)\" did not start from the base; it is saved as LoRA where it is one")
    }
    let replaced: Set = [
      "init_lora_weights", "r", "lora_alpha", "rank_pattern", "alpha_pattern",
    ]
    return try write(
      method.doubled.fields(storageContext(baseModel)),
      loaded: loadedFields.filter {
        !replaced.contains($0.name) && (baseModel == nil || $0.name != "base_model_name_or_path")
      },
      doubledValues.map { .init($0.name, $0.value) }, to: folder)
  }

  /// The stored tensors with A and B joined to those that they started with.
  var doubledValues: [(name: String, value: Tensor)] {
    let parameters = Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.parameter.value) })
    return storedTensors.filter { !$0.name.contains(".lora_start_") }.map { name, parameter in
      let start = parameters[name.replacing(".lora_", with: ".lora_start_", maxReplacements: 1)]
      guard let start else { return (name, parameter.value) }
      let isA = name.hasSuffix(".lora_A.weight")
      return (
        name,
        Tensor.concatenated([parameter.value, isA ? start : -start], axis: isA ? 0 : 1)
      )
    }
  }
}

extension LoRA {
  /// The settings of an adapter of twice the ranks, with the same factors.
  var doubled: LoRA {
    let growth = isRankStabilized ? 2.0.squareRoot() : 2
    var result = self
    result.initialization = .kaiming
    result.rank *= 2
    result.alpha *= growth
    result.rankPattern = rankPattern.map { .init($0.pattern, $0.value * 2) }
    result.alphaPattern = alphaPattern.map { .init($0.pattern, $0.value * growth) }
    return result
  }
}
