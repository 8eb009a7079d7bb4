package import PEFTCheckpoints
package import PEFTJSON

extension DeltaLoRA: StoredMethod {
  /// The steps of a loaded file go on.
  package static let trainedFields = ["completed_steps"]

  /// The settings in an `adapter_config.json`; fields that are not read are for the caller to judge.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(
      rank: try file.positiveInteger("r", default: 8),
      alpha: try file.number("lora_alpha", default: 8),
      ratio: try file.number("delta_lambda", default: 2),
      delay: try file.integer("delta_delay", default: 500))
    selection = try file.selection()
    selection.bias = try file.choice("bias", default: .none)
    selection.ensuresWeightTying = try file.bool("ensure_weight_tying", default: false)
    base = try file.choice("delta_base", default: .moved)
    completedSteps = try file.integer("completed_steps", default: 0)
  }

  /// The fields of `adapter_config.json`.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    context.fields(type: Self.type, selection) + [
      .init("bias", .string(selection.bias.rawValue)),
      .init("completed_steps", .integer(context.adapter.deltaMover?.step ?? completedSteps)),
      .init("delta_base", .string(base.rawValue)),
      .init("delta_delay", .integer(delay)),
      .init("delta_lambda", .shortest(ratio)),
      .init("ensure_weight_tying", .bool(selection.ensuresWeightTying)),
      .init("fan_in_fan_out", .bool(context.isConv1D)),
      .init("lora_alpha", .shortest(alpha)),
      .init("r", .integer(rank)),
    ]
  }
}
