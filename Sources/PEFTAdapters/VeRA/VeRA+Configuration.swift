package import PEFTCheckpoints
package import PEFTJSON

extension VeRA: StoredMethod {
  /// The settings in an `adapter_config.json`.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    rank = try file.positiveInteger("r", default: 256)
    dropout = Float(try file.number("vera_dropout", default: 0))
    initialScale = try file.number("d_initial", default: 0.1)
    projectionKey = try file.integer("projection_prng_key", default: 0)
    savesProjection = try file.bool("save_projection", default: true)
    startsAsIdentity = try file.bool("init_weights", default: true)
    selection = try file.selection()
    switch try file.string("bias", default: "none") {
    case "none": break
    case "all": selection.bias = .all
    case "vera_only": selection.bias = .loraOnly
    case let found:
      throw .invalidField(
        path: file.path, field: "bias", expected: "none, all or vera_only", found: found)
    }
  }

  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    context.fields(type: Self.type, selection).filter { $0.name != "exclude_modules" } + [
      .init(
        "bias",
        .string(selection.bias == .loraOnly ? "vera_only" : selection.bias.rawValue)),
      .init("d_initial", .shortest(initialScale)),
      .init("fan_in_fan_out", .bool(context.isConv1D)),
      .init("init_weights", .bool(startsAsIdentity)),
      .init("projection_prng_key", .integer(projectionKey)),
      .init("r", .integer(rank)),
      .init("save_projection", .bool(savesProjection)),
      .init("vera_dropout", .number(Double("\(dropout)") ?? 0)),
    ]
  }
}
