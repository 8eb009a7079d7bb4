package import PEFTCheckpoints
package import PEFTJSON
package import PEFTTensor

extension AdaLoRA: StoredMethod {
  /// The pattern of a loaded file is extended by further training.
  package static let trainedFields = ["rank_pattern"]

  /// Fields of LoRA that have no effect in PEFT's AdaLoRA.
  private static let idle = [
    "r", "alpha_pattern", "use_rslora", "lora_bias", "megatron_core", "qalora_group_size",
    "runtime_config",
  ]

  /// The settings in an `adapter_config.json`; fields that are not read are for the caller to judge.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(
      initialRank: try file.positiveInteger("init_r", default: 12),
      targetRank: try file.integer("target_r", default: 8),
      alpha: try file.number("lora_alpha", default: 8),
      dropout: Float(try file.number("lora_dropout", default: 0)),
      totalSteps: try file.integer("total_step"))
    selection = try file.selection()
    initialSteps = try file.integer("tinit", default: 0)
    finalSteps = try file.integer("tfinal", default: 0)
    interval = try file.positiveInteger("deltaT", default: 1)
    sensitivityDecay = try file.number("beta1", default: 0.85)
    uncertaintyDecay = try file.number("beta2", default: 0.85)
    orthogonalityWeight = try file.number("orth_reg_weight", default: 0.5)
    initialization =
      try file.bool("init_lora_weights", default: true) ? .zero : .random
    selection.bias = try file.choice("bias", default: .none)
    selection.ensuresWeightTying = try file.bool("ensure_weight_tying", default: false)
    try file.refuse(LoRA.unsupportedElsewhere)
    file.ignore(Self.idle)
    try readPattern(file)
  }

  private mutating func readPattern(_ file: ConfigurationFile) throws(CheckpointError) {
    let value = file.value("rank_pattern") ?? .null
    for member in value.members ?? [] {
      let kept = member.value.elements?.compactMap(\.bool)
      guard let kept, kept.count == member.value.elements?.count, kept.count == initialRank,
        member.name.endsExactly(with: ".lora_E")
      else {
        throw .invalidField(
          path: file.path, field: "rank_pattern",
          expected: "a list of init_r = \(initialRank) booleans for a lora_E",
          found: "\(member.name): \(member.value.kind)")
      }
      keptTriplets[String(member.name.dropLast(".lora_E".count))] = kept
    }
    if !value.isNull, value.members == nil {
      throw .invalidField(
        path: file.path, field: "rank_pattern", expected: "an object", found: value.kind)
    }
  }

  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    let pattern = keptPattern(context.adapter)
    return context.fields(type: Self.type, selection)
      + LoRA.unsupportedElsewhere.map { JSON.Member($0.field, $0.neutral) } + [
        .init("alpha_pattern", .object([])),
        .init("beta1", .shortest(sensitivityDecay)),
        .init("beta2", .shortest(uncertaintyDecay)),
        .init("bias", .string(selection.bias.rawValue)),
        .init("deltaT", .integer(interval)),
        .init("ensure_weight_tying", .bool(selection.ensuresWeightTying)),
        .init("fan_in_fan_out", .bool(context.isConv1D)),
        .init("init_lora_weights", .bool(initialization == .zero)),
        .init("init_r", .integer(initialRank)),
        .init("lora_alpha", .shortest(alpha)),
        .init("lora_bias", .bool(false)),
        .init("lora_dropout", .number(Double("\(dropout)") ?? 0)),
        .init("megatron_core", .string("megatron.core")),
        .init("orth_reg_weight", .shortest(orthogonalityWeight)),
        .init("qalora_group_size", .integer(16)),
        .init("r", .integer(8)),
        .init(
          "rank_pattern",
          pattern.isEmpty
            ? .null
            : .object(
              pattern.map { .init("\($0.path).lora_E", .array($0.kept.map(JSON.bool))) })),
        .init("target_r", .integer(targetRank)),
        .init("tfinal", .integer(finalSteps)),
        .init("tinit", .integer(initialSteps)),
        .init("total_step", .integer(totalSteps)),
        .init("use_rslora", .bool(false)),
      ]
  }

  /// Every tensor without the triplets that are pruned, as PEFT saves them.
  package func storedValues(_ adapter: Adapter) -> [(name: String, value: Tensor)] {
    var values = Dictionary(
      uniqueKeysWithValues: adapter.storedTensors.map { ($0.name, $0.parameter.value) })
    for (path, layer, left) in adapter.leftTriplets where left.count < layer.e.count {
      let places = Indices(left.map(Int32.init))
      values[AdapterFile.name("lora_A", at: path)] = layer.a.value.rows(at: places)
      values[AdapterFile.name("lora_E", at: path)] = layer.e.value.rows(at: places)
      values[AdapterFile.name("lora_B", at: path)] =
        layer.b.value.transposed.rows(at: places).transposed
    }
    return adapter.storedTensors.map { ($0.name, values[$0.name] ?? $0.parameter.value) }
  }

  /// Which of the triplets of the start are left in each layer; empty while none was pruned.
  private func keptPattern(_ adapter: Adapter) -> [(path: String, kept: [Bool])] {
    if adapter.rankAllocator?.kept == nil, keptTriplets.isEmpty { return [] }
    return adapter.leftTriplets.map { path, layer, left in
      var kept = keptTriplets[path] ?? Array(repeating: true, count: initialRank)
      let places = kept.indices.filter { kept[$0] }
      for (row, place) in places.enumerated() where !left.contains(row) { kept[place] = false }
      return (path, kept)
    }
  }
}

extension Adapter {
  /// The triplets of each layer that are saved: those that an allocation keeps, and those whose lambda has moved away from zero since.
  ///
  /// The latter are cut off by PEFT, whose file then is another adapter than the one that was trained; after a last phase
  /// there are none.
  fileprivate var leftTriplets: [(path: String, layer: AdaLoRALayer, left: [Int])] {
    guard let allocator = rankAllocator else { return [] }
    return zip(allocator.paths, allocator.layers).enumerated().map { index, entry in
      let kept = allocator.kept?[index]
      let values = entry.1.e.value.array
      return (
        entry.0, entry.1, values.indices.filter { kept?[$0] ?? true || values[$0] != 0 }
      )
    }
  }
}
