package import PEFTCheckpoints
package import PEFTJSON
package import PEFTTensor

extension RoSA: StoredMethod {
  /// `rosa_indices`, beside `rosa_spa`.
  package static var indicesName: String? { "rosa_indices" }

  /// The settings in an `adapter_config.json`, by the names of the reference.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(
      rank: try file.integer("r", default: 8), alpha: try file.number("lora_alpha", default: 16),
      density: try file.number("d", default: 0.003))
    selection = try file.selection()
    dropout = Float(try file.number("lora_dropout", default: 0))
    isRankStabilized = try file.bool("use_rslora", default: false)
    gradientSteps = try file.positiveInteger("spa_num_grads", default: 1)
    let name = try file.string("schedule", default: "df")
    guard let schedule = Schedule(name: name) else {
      throw .invalidField(
        path: file.path, field: "schedule", expected: "df, lora_only, spa_only or wl64", found: name
      )
    }
    self.schedule = schedule
    let mode = try file.string("grad_acc_mode", default: "mean_squared")
    guard let accumulation = Accumulation(rawValue: mode) else {
      throw .invalidField(
        path: file.path, field: "grad_acc_mode", expected: "mean_squared or mean", found: mode)
    }
    self.accumulation = accumulation
  }

  /// The fields of `adapter_config.json`.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    context.fields(type: Self.type, selection) + [
      .init("d", .number(density)),
      .init("fan_in_fan_out", .bool(context.isConv1D)),
      .init("grad_acc_mode", .string(accumulation.rawValue)),
      .init("lora_alpha", .shortest(alpha)),
      .init("lora_dropout", .number(Double("\(dropout)") ?? 0)),
      .init("r", .integer(rank)),
      .init("schedule", .string(schedule.name)),
      .init("spa_num_grads", .integer(gradientSteps)),
      .init("use_rslora", .bool(isRankStabilized)),
    ]
  }

  /// Takes over the places; a file without any is of an adapter that has not chosen them.
  package mutating func takeIndices(_ values: [String: Indices]) throws(AdapterError) {
    masks = values.isEmpty ? nil : try SparseMasks(values)
  }

  /// The places of the layers that have chosen them.
  package func storedIndices(_ adapter: Adapter) -> [String: Indices] {
    adapter.layers(of: RoSALayer.self).reduce(into: [:]) { result, entry in
      result[entry.site.path] = entry.layer.pattern?.indices
    }
  }
}
