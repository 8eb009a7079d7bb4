package import PEFTCheckpoints
package import PEFTJSON
package import PEFTTensor
import PEFTTransformer

/// `adapter_config.json` of a LoRA, with one field more.
extension LongLoRA: StoredMethod {
  /// The settings in an `adapter_config.json`; fields that are not read are for the caller to judge.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    lora = try LoRA(file)
    // What is trained as a whole stands in modules_to_save.
    (trainsEmbeddings, trainsNorms) = (false, false)
    groups = .ratio(0.25)
    guard let fields = try file.object(Self.field) else { return }
    if let size = try fields.optionalInteger("group_size") {
      groups = .size(size)
    } else {
      groups = .ratio(try fields.number("group_size_ratio", default: 0.25))
    }
    positionFactor = try fields.optionalNumber("position_factor")
    if let factor = positionFactor, !(factor > 0 && factor.isFinite) {
      throw .invalidField(
        path: file.path, field: "position_factor", expected: "a positive number",
        found: "\(factor)")
    }
    try fields.requireAllRead()
  }

  /// The fields of LoRA with the embeddings and norms in `modules_to_save`, and how it was trained.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    var saved = lora.modulesToSave
    for (path, module) in context.adapter.host?.walk(includingAdapters: false).modules ?? []
    where trainsAsCopy(module) && !saved.contains(path.lastName) {
      saved.append(path.lastName)
    }
    var training: [JSON.Member] = []
    switch groups {
    case .size(let size): training.append(.init("group_size", .integer(size)))
    case .ratio(let ratio): training.append(.init("group_size_ratio", .shortest(ratio)))
    }
    if let factor = (context.adapter.host as? CausalLM)?.positionFactor {
      training.append(.init("position_factor", .shortest(factor)))
    }
    return lora.fields(context).filter { $0.name != "modules_to_save" } + [
      .init("modules_to_save", .names(saved)), .init(Self.field, .object(training)),
    ]
  }

  /// What LoRA stores.
  package func storedValues(_ adapter: Adapter) -> [(name: String, value: Tensor)] {
    lora.storedValues(adapter)
  }
}
