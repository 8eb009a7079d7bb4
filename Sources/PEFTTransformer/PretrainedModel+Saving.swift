public import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor

extension PretrainedModel {
  /// Writes a Hugging Face model folder with the weights as they are now; adapters that are not merged are left out.
  ///
  /// Weights that are kept in four bits, or in bytes with a scale for each row, are written so, as bitsandbytes does, and Transformers
  /// with bitsandbytes loads the same numbers; `store(as: .float32)` before writes these as numbers. Bytes with scales for blocks have
  /// no such form and are always written as numbers, and so are bytes beside weights in four bits. `config.json` is that of the folder the model was loaded from, or made from the configuration, with the element type and the quantisation; other files of that folder, as the tokenizer's, are for the caller to copy. Saving twice gives the same bytes.
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
      [.float32, .bfloat16, .float16].contains(dtype), "save: element type \(dtype)")
    let path = "\(folder)/config.json"
    let json = if let origin { origin.json } else { try configuration.json(for: path) }
    let own = configurationFields
    let parameters = walk(includingAdapters: false).parameters
    let quantization = quantization
    if dtype == .float16 { try requireHalfPrecisionRange(parameters, quantization, folder) }
    try makeFolder(folder)
    let name = dtype == .bfloat16 ? "bfloat16" : dtype == .float16 ? "float16" : "float32"
    try Checkpoint.write(
      parameters.flatMap { named -> [SafetensorsFile.Item] in
        let (path, parameter) = (aliases.stored(named.path), named.parameter)
        if let streamed = parameter.streamed {
          return [.init(path, streaming: streamed, as: dtype)]
        }
        return quantization?.weight(parameter)?.items(path, dtype: name)
          ?? [
            .init(path, shape: parameter.shape, as: dtype) { () throws(CheckpointError) in
              parameter.value
            }
          ]
      }, folder: folder, maximumShardBytes: maximumShardBytes)
    var replaced = ["dtype", "torch_dtype", BitsAndBytes.field] + own.map(\.name)
    // The kind of an earlier head: ours are trained with one label a row.
    if !configuration.labels.isEmpty { replaced.append("problem_type") }
    let kept = (json.members ?? []).filter { !replaced.contains($0.name) }
    var members = kept + own + [JSON.Member("dtype", .string(name))]
    if let quantization { members.append(.init(BitsAndBytes.field, quantization.json)) }
    try atomicallyWrite(JSON.object(members).sorted.text(.indented) + "\n", to: path)
  }

  /// What `config.json` says beside the configuration: the class in Transformers and its classes.
  private var configurationFields: [JSON.Member] {
    guard let architecture else { return [] }
    return [.init("architectures", .array([.string(architecture)]))]
      + configuration.labelFields
  }

  /// What is written quantised; nil without any.
  private var quantization: WrittenQuantization? {
    let linears = walk(includingAdapters: false).modules.compactMap { path, module in
      (module as? Linear).map { (path, $0.weight) }
    }
    let weights = linears.map { $0.1.storage }
    // A configuration has one kind: that in four bits where there are both.
    let kind =
      weights.compactMap { ($0 as? FourBitWeight)?.kind }.last
      ?? weights.compactMap { WrittenQuantization.rowwise($0)?.kind }.last
    guard let kind else { return nil }
    var result = WrittenQuantization(kind: kind, skipped: [])
    result.skipped = linears.filter { result.weight($0.1) == nil }.map(\.0)
    return result
  }

  /// Refuses numbers that would become infinite; bfloat16 has the range of float32.
  private func requireHalfPrecisionRange(
    _ parameters: [NamedParameter], _ quantization: WrittenQuantization?, _ folder: String
  ) throws(CheckpointError) {
    // From here on rounding goes to infinity.
    let end: Float = 65520
    for named in parameters where quantization?.weight(named.parameter) == nil {
      let parameter = named.parameter
      let streamed = parameter.streamed ?? StreamedTensor(parameter.shape) { parameter.value }
      var first = 0
      try streamed.forEachPiece { (tensor) throws(CheckpointError) in
        let values = tensor.array
        if let index = values.firstIndex(where: { $0.isFinite && abs($0) >= end }) {
          throw .valueOutOfRange(
            path: folder, tensor: named.path, index: first + index,
            value: Int64(max(-0x1p62, min(0x1p62, values[index]))), allowed: -65504...65504)
        }
        first += values.count
      }
    }
  }
}

/// Which weights of a folder are written quantised.
private struct WrittenQuantization {
  let kind: BitsAndBytes.Kind
  /// The paths of linear layers that are written as numbers.
  var skipped: [String]

  var json: JSON { BitsAndBytes.json(kind, skipped: skipped) }

  /// The form in which a parameter is written; nil for numbers.
  func weight(_ parameter: Parameter) -> (any BitsAndBytesWeight)? {
    kind == .eightBit ? Self.rowwise(parameter.storage) : parameter.storage as? FourBitWeight
  }

  /// A weight in bytes with a scale for each row.
  static func rowwise(_ storage: (any WeightStorage)?) -> Int8Weight? {
    (storage as? Int8Weight).flatMap { $0.blocks == .rows ? $0 : nil }
  }
}
