package import PEFTCheckpoints
package import PEFTJSON

extension DyLoRA: StoredMethod {
  /// The settings in an `adapter_config.json`; fields that are not read are for the caller to judge.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(
      rank: try file.positiveInteger("r", default: 8), alpha: try file.number("lora_alpha"),
      dropout: Float(try file.number("lora_dropout", default: 0)))
    selection = try file.selection()
    selection.bias = try file.choice("bias", default: .none)
    selection.ensuresWeightTying = try file.bool("ensure_weight_tying", default: false)
    scaling = try file.choice("scaling", default: .perRank)
    update = try file.choice("update", default: .all)
    if let probability = try file.optionalNumber("geometric_probability") {
      distribution = .geometric(probability)
    }
    selection.seed = UInt64(bitPattern: Int64(try file.integer("seed", default: 0)))
  }

  /// The fields of `adapter_config.json`.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    var probability = JSON.null
    if case .geometric(let value) = distribution { probability = .number(value) }
    return context.fields(type: Self.type, selection) + [
      .init("bias", .string(selection.bias.rawValue)),
      .init("ensure_weight_tying", .bool(selection.ensuresWeightTying)),
      .init("fan_in_fan_out", .bool(context.isConv1D)),
      .init("geometric_probability", probability),
      .init("lora_alpha", .shortest(alpha)),
      .init("lora_dropout", .number(Double("\(dropout)") ?? 0)),
      .init("r", .integer(rank)),
      .init("scaling", .string(scaling.rawValue)),
      .init("seed", .integer(Int(Int64(bitPattern: selection.seed)))),
      .init("update", .string(update.rawValue)),
    ]
  }
}
