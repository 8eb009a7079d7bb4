package import PEFTCheckpoints
package import PEFTJSON
package import PEFTTensor
import PEFTTransformer

/// `adapter_config.json` of Hugging Face PEFT.
extension PrefixTuning: StoredMethod {
  /// The settings in an `adapter_config.json`; fields that are not read are for the caller to judge.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(
      virtualTokens: try VirtualTokenSettings.read(file),
      isProjected: try file.bool("prefix_projection", default: false))
    modulesToSave = try VirtualTokenSettings.modulesToSave(file)
    encoderHiddenSize = try file.optionalInteger("encoder_hidden_size")
    if let start = try file.optionalString("init_weights") {
      guard start == "zero" else {
        throw .invalidField(
          path: file.path, field: "init_weights", expected: "null or zero", found: start)
      }
      initialization = .zero
    }
    hasEncoder = try VirtualTokenSettings.hasEncoder(file)
  }

  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    let attentions = context.adapter.modules.compactMap { $0.site.module as? SelfAttention }
    let heads = attentions.first?.groups ?? 0
    let width = heads * (attentions.first?.headWidth ?? 0)
    return context.virtualTokenFields(
      type: Self.type, virtualTokens, layers: attentions.count, heads: heads, width: width,
      modulesToSave: modulesToSave) + [
        .init("encoder_hidden_size", .integer(encoderHiddenSize ?? width)),
        .init("init_weights", initialization == .zero ? .string("zero") : .null),
        .init("prefix_projection", .bool(isProjected)),
      ]
  }

  /// The table, made by the map where there is one.
  package func storedValues(_ adapter: Adapter) -> [(name: String, value: Tensor)] {
    let tensors = Dictionary(
      uniqueKeysWithValues: adapter.sharedTensors.map { ($0.name, $0.parameter.value) })
    let columns = tensors[Self.table]?.columns ?? 0
    return [(Self.table, withoutGradients { Self.project(tensors, 0..<columns) })]
      + adapter.storedCopies(Self.copyPrefix)
  }

  /// Refuses a map that does not make the table beside it.
  package func checkStored(_ tensors: [String: Tensor], path: String) throws(AdapterError) {
    try VirtualTokenSettings.checkEncoder(tensors[Self.table], path: path) {
      Self.project(tensors, 0..<(tensors[Self.table]?.columns ?? 0))
    }
  }
}
