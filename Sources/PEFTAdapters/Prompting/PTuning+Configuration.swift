package import PEFTCheckpoints
package import PEFTJSON
package import PEFTTensor
import PEFTTransformer

/// `adapter_config.json` of Hugging Face PEFT.
extension PTuning: StoredMethod {
  /// The settings in an `adapter_config.json`; fields that are not read are for the caller to judge.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(virtualTokens: try VirtualTokenSettings.read(file))
    modulesToSave = try VirtualTokenSettings.modulesToSave(file)
    let kind = try file.string("encoder_reparameterization_type", default: "MLP")
    guard let encoder = Encoder(rawValue: kind) else {
      throw .invalidField(
        path: file.path, field: "encoder_reparameterization_type", expected: "MLP or LSTM",
        found: kind)
    }
    self.encoder = encoder
    encoderHiddenSize = try file.optionalInteger("encoder_hidden_size")
    encoderLayers = try file.positiveInteger("encoder_num_layers", default: 2)
    encoderDropout = Float(try file.number("encoder_dropout", default: 0))
    hasEncoder = try VirtualTokenSettings.hasEncoder(file)
  }

  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    let width = (context.adapter.host as? any PretrainedModel)?.configuration.width ?? 0
    return context.promptFields(type: Self.type, virtualTokens, modulesToSave) + [
      .init("encoder_dropout", .number(Double("\(encoderDropout)") ?? 0)),
      .init("encoder_hidden_size", .integer(encoderHiddenSize ?? width)),
      .init("encoder_num_layers", .integer(encoderLayers)),
      .init("encoder_reparameterization_type", .string(encoder.rawValue)),
    ]
  }

  /// What the network makes.
  package func storedValues(_ adapter: Adapter) -> [(name: String, value: Tensor)] {
    let tensors = Dictionary(
      uniqueKeysWithValues: adapter.sharedTensors.map { ($0.name, $0.parameter.value) })
    return [(PromptLayer.name, withoutGradients { encode(tensors, nil) })]
      + adapter.storedCopies(Self.copyPrefix)
  }

  /// Refuses a network that does not make the prompt beside it.
  package func checkStored(_ tensors: [String: Tensor], path: String) throws(AdapterError) {
    try VirtualTokenSettings.checkEncoder(tensors[PromptLayer.name], path: path) {
      encode(tensors, nil)
    }
  }
}
