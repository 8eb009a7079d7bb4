import PEFTAdapters
import PEFTCheckpoints
import PEFTTransformer

/// The settings of starts, as fields beside those of the method.
extension AdapterStart {
  /// `rho`, `tau`, `adjust_scaling_factors` and `passes`.
  static func inputs(_ file: ConfigurationFile) throws(CheckpointError) -> AdapterStart {
    let usual = EVA()
    return .inputs(
      EVA(
        rho: try file.number("rho", default: usual.rho),
        tau: try file.number("tau", default: usual.tau),
        adjustsAlpha: try file.bool("adjust_scaling_factors", default: usual.adjustsAlpha),
        passes: try file.integer("passes", default: usual.passes)))
  }

  /// `direction`, `scale` and `stable_gamma`, by the names of PEFT.
  static func gradients(_ file: ConfigurationFile) throws(CheckpointError) -> AdapterStart {
    let directions: [(String, LoRAGA.Direction)] = [
      ("ArB2r", .firstForA), ("A2rBr", .firstForB), ("ArBr", .alternating), ("random", .random),
    ]
    let gamma = try file.number("stable_gamma", default: 16)
    let scales: [(String, LoRAGA.Scale)] = [
      ("stable", .stable(gamma: gamma)), ("weight_svd", .weight), ("gd_scale", .step),
      ("unit", .unit),
    ]
    return .gradients(
      LoRAGA(
        direction: try file.word("direction", of: directions, default: "ArB2r"),
        scale: try file.word("scale", of: scales, default: "stable")))
  }

  /// `loftq_iter` and `double_quant`.
  static func quantizing(_ file: ConfigurationFile) throws(CheckpointError) -> AdapterStart {
    .quantizing(
      LoftQ(
        iterations: try file.integer("loftq_iter", default: 1),
        isDoubleQuantized: try file.bool("double_quant", default: false)))
  }

  /// `scorer`, `scope`, and one of `share`, `count` and `r`; what is not given is that of a usual choice.
  static func mask(
    _ usual: SparseChoice, _ file: ConfigurationFile
  ) throws(CheckpointError) -> AdapterStart {
    let scorers: [(String, SparseChoice.Scorer)] = [
      ("squared_gradient", .squaredGradient), ("gradient", .gradient),
      ("absolute_gradient", .absoluteGradient), ("saliency", .saliency),
      ("magnitude", .magnitude), ("random", .random),
    ]
    let scopes: [(String, SparseChoice.Scope)] = [
      ("global", .global), ("layer", .layer), ("row", .row),
    ]
    var choice = usual
    choice.scorer = try file.word("scorer", of: scorers, default: usual.scorer)
    choice.scope = try file.word("scope", of: scopes, default: usual.scope)
    let budgets: [SparseChoice.Budget?] = [
      try file.optionalNumber("share").map { .share($0) },
      try file.optionalInteger("count").map { .count($0) },
      try file.optionalInteger("r").map { .rank($0) },
    ]
    let given = budgets.compactMap { $0 }
    if given.count > 1 {
      throw .invalidField(
        path: file.path, field: "share", expected: "one of share, count and r",
        found: "\(given.count) of them")
    }
    choice.budget = given.first ?? usual.budget
    return .mask(choice)
  }
}

extension LongLoRA {
  /// LoRA's fields, `group_size` or `group_size_ratio`, `train_embeddings`, `train_norms` and `position_factor`.
  init(flat file: ConfigurationFile) throws(CheckpointError) {
    self.init()
    let usual = lora
    lora = try LoRA(file)
    if !file.has("target_modules") { lora.selection.targets = usual.selection.targets }
    trainsEmbeddings = try file.bool("train_embeddings", default: true)
    trainsNorms = try file.bool("train_norms", default: true)
    let size = try file.optionalInteger("group_size")
    let ratio = try file.optionalNumber("group_size_ratio")
    if size != nil, ratio != nil {
      throw .invalidField(
        path: file.path, field: "group_size", expected: "either it or group_size_ratio",
        found: "both")
    }
    groups = size.map { .size($0) } ?? .ratio(ratio ?? 0.25)
    positionFactor = try file.optionalNumber("position_factor")
    if let positionFactor, !(positionFactor > 0 && positionFactor.isFinite) {
      throw .invalidField(
        path: file.path, field: "position_factor", expected: "a positive number",
        found: "\(positionFactor)")
    }
  }
}

extension ConfigurationFile {
  /// The value that a word stands for.
  fileprivate func word<Value>(
    _ field: String, of words: [(String, Value)], default usual: String
  ) throws(CheckpointError) -> Value {
    let found = try string(field, default: usual)
    if let word = words.first(where: { $0.0 == found }) { return word.1 }
    throw .invalidField(
      path: path, field: field,
      expected: "one of \(words.map(\.0).joined(separator: ", "))", found: found)
  }

  /// The value that a word stands for, where one is given.
  fileprivate func word<Value>(
    _ field: String, of words: [(String, Value)], default usual: Value
  ) throws(CheckpointError) -> Value {
    guard has(field) else {
      // It is one that could be given.
      _ = value(field)
      return usual
    }
    return try word(field, of: words, default: "")
  }
}
