public import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor

extension CausalLM {
  /// Writes a Hugging Face model folder with the weights as they are now; adapters that are not merged are left out.
  ///
  /// `config.json` is that of the folder the model was loaded from, or made from the configuration, with the element type;
  /// other files of that folder, as the tokenizer's, are for the caller to copy. Saving twice gives the same bytes.
  /// A folder is not replaced as a whole: save into a new one where a crash must not cost the old weights.
  ///
  /// - Parameters:
  ///   - folder: is made where it does not exist.
  ///   - dtype: `.float32`, `.bfloat16` or `.float16`.
  ///   - maximumShardBytes: the most bytes of tensors in a file.
  /// - Throws: `CheckpointError` where something cannot be written, a value is too large for the element type, or the family
  ///   has no fields for the configuration of a new model.
  public func save(
    to folder: String, as dtype: DType = .float32, maximumShardBytes: Int = 5_000_000_000
  ) throws(CheckpointError) {
    precondition(
      [.float32, .bfloat16, .float16].contains(dtype), "CausalLM.save: element type \(dtype)")
    let path = "\(folder)/config.json"
    let json = if let origin { origin.json } else { try configuration.json(for: path) }
    let parameters = walk(includingAdapters: false).parameters
    if dtype == .float16 { try requireHalfPrecisionRange(parameters, folder) }
    try makeFolder(folder)
    try Checkpoint.write(
      parameters.map { .init($0.path, $0.parameter.value, as: dtype) }, folder: folder,
      maximumShardBytes: maximumShardBytes)
    let name = dtype == .bfloat16 ? "bfloat16" : dtype == .float16 ? "float16" : "float32"
    let members = (json.members ?? []).filter { !["dtype", "torch_dtype"].contains($0.name) }
    try atomicallyWrite(
      JSON.object(members + [.init("dtype", .string(name))]).sorted.text(.indented) + "\n",
      to: path)
  }

  /// Refuses numbers that would become infinite; bfloat16 has the range of float32.
  private func requireHalfPrecisionRange(
    _ parameters: [NamedParameter], _ folder: String
  ) throws(CheckpointError) {
    // From here on rounding goes to infinity.
    let end: Float = 65520
    for named in parameters {
      let values = named.parameter.value.array
      guard let index = values.firstIndex(where: { $0.isFinite && abs($0) >= end }) else {
        continue
      }
      throw .valueOutOfRange(
        path: folder, tensor: named.path, index: index,
        value: Int64(max(-0x1p62, min(0x1p62, values[index]))), allowed: -65504...65504)
    }
  }
}
