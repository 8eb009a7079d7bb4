internal import Foundation
import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor
import PEFTTransformer

extension Adapter {
  /// Writes a folder that Hugging Face PEFT loads: `adapter_config.json` and `adapter_model.safetensors`.
  ///
  /// Saving twice gives the same bytes. As in PEFT, an adapter that is not called `default` goes to a folder of its
  /// name inside the given one, and the weights of an adapted `embed_tokens` or `lm_head` are saved beside it. Fields
  /// of the file that the adapter was loaded from are kept. What only a training needs goes to `adapter_training.safetensors`.
  ///
  /// - Parameters:
  ///   - folder: is made where it does not exist.
  ///   - baseModel: the name or path of the base that the file mentions; nil for what the file mentioned that the
  ///     adapter came from, or the folder of the model.
  /// - Returns: the folder that holds the files.
  /// - Throws: `AdapterError.file` where something cannot be written; what was there before stays whole then. `AdapterError.wrongState` for
  ///   a method that has no format of file.
  @discardableResult
  public func save(to folder: String, baseModel: String? = nil) throws(AdapterError) -> String {
    let fields: [JSON.Member]
    var loaded = loadedFields
    switch spelledOut {
    case let method as any StoredMethod:
      fields = method.fields(storageContext(baseModel))
      loaded.removeAll { Swift.type(of: method).trainedFields.contains($0.name) }
    case let method as any AdapterMethod & Codable:
      fields = try EncodedSettings.fields(method, storageContext(baseModel))
    default:
      throw .wrongState(
        "\"\(name)\" cannot be saved: \(type(of: spelledOut)) is not Codable, so its settings would be lost"
      )
    }
    if baseModel != nil { loaded.removeAll { $0.name == "base_model_name_or_path" } }
    return try write(
      fields, loaded: loaded,
      (storedValues + baseTensors).map { .init($0.name, $0.value) } + storedIndices,
      hidden: tensors.filter { $0.role == .hidden }.map { .init($0.name, $0.parameter.value) },
      to: folder)
  }

  /// What configurations say beside the settings.
  func storageContext(_ baseModel: String?) -> StorageContext {
    StorageContext(
      adapter: self, baseModel: baseModel ?? host?.folder, taskType: host?.taskType)
  }

  /// Writes a folder of fields, in place of which those of a file that was loaded stand, and tensors.
  func write(
    _ fields: [JSON.Member], loaded: [JSON.Member] = [], _ items: [SafetensorsFile.Item],
    hidden: [SafetensorsFile.Item] = [], to folder: String
  ) throws(AdapterError) -> String {
    let target = name == "default" ? folder : "\(folder)/\(name)"
    var fields = fields
    for field in loaded where field.name != "inference_mode" {
      // Where the file left the targets open, their names are in our fields.
      if field.name == "target_modules", field.value.isNull { continue }
      fields.removeAll { $0.name == field.name }
      fields.append(field)
    }
    let json = JSON.object(fields.map(Self.normalized).sorted { $0.name < $1.name })
    do throws(CheckpointError) {
      try makeFolder(target)
      try SafetensorsFile.write(
        items, metadata: [("format", "pt")] + proofOfFit,
        to: "\(target)/adapter_model.safetensors")
      try writeTrainingFile(hidden, to: "\(target)/\(AdapterFile.trainingFile)")
      try atomicallyWrite(json.text(.indented), to: "\(target)/adapter_config.json")
    } catch { throw .file(error) }
    return target
  }

  /// What says for which base the adapter is, and what the two of them give.
  ///
  /// The output is told where this adapter alone acts on the model; where it does not, only the base is.
  private var proofOfFit: [(name: String, value: String)] {
    guard let host else { return [] }
    let base = [(name: BaseFingerprint.field, value: BaseFingerprint(host).text)]
    let isAlone =
      isEffective && rows == nil
      && host.adapters.attachments.allSatisfy { $0 === self || !$0.isActive && !$0.isMerged }
    return base
      + (isAlone ? [(name: OutputProbe.field, value: OutputProbe(host.probeOutput()).text)] : [])
  }

  private var storedValues: [(name: String, value: Tensor)] {
    (spelledOut as? any StoredMethod)?.storedValues(self)
      ?? storedTensors.map { ($0.name, $0.parameter.value) }
  }

  /// Whole numbers beside the modules, in the order of the model.
  private var storedIndices: [SafetensorsFile.Item] {
    guard let method = spelledOut as? any StoredMethod,
      let name = Swift.type(of: method).indicesName
    else { return [] }
    let values = method.storedIndices(self)
    return modules.compactMap { module in
      values[module.site.path].map {
        .init(AdapterFile.name(name, at: module.site.path), $0, as: .int32)
      }
    }
  }

  /// Writes the tensors that only a training needs, and removes those of an earlier adapter.
  private func writeTrainingFile(
    _ items: [SafetensorsFile.Item], to path: String
  ) throws(CheckpointError) {
    if !items.isEmpty {
      return try SafetensorsFile.write(items, metadata: [("format", "pt")], to: path)
    }
    guard FileManager.default.fileExists(atPath: path) else { return }
    do { try FileManager.default.removeItem(atPath: path) } catch {
      throw .ioFailure(
        path: path, operation: "remove", reason: error.localizedDescription)
    }
  }

  /// Weights of the base that PEFT stores beside an adapted embedding or head, or where tokens were added, by their names there.
  private var baseTensors: [(name: String, value: Tensor)] {
    let named =
      savedBases.map { (AdapterFile.baseKey($0.path), $0.parameter) }
      + savedTables.map { ("\($0.path).weight", $0.parameter) }
    return named.map { name, parameter in
      let own = copies.first { $0.base === parameter && !$0.isTrained }?.copy.value
      return (AdapterFile.prefix + name, own ?? host?.baseValue(parameter) ?? parameter.value)
    }
  }

  /// Sets come out of PEFT in random order.
  private static func normalized(_ field: JSON.Member) -> JSON.Member {
    guard ["target_modules", "exclude_modules"].contains(field.name),
      let names = field.value.elements?.compactMap(\.string)
    else { return field }
    return .init(field.name, .array(names.sorted().map(JSON.string)))
  }
}
