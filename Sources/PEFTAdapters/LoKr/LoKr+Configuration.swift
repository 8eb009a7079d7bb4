package import PEFTCheckpoints
package import PEFTJSON

extension LoKr: StoredMethod {
  /// The settings in an `adapter_config.json`.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init()
    try read(file)
    decomposesBoth = try file.bool("decompose_both", default: false)
    let factor = try file.integer("decompose_factor", default: -1)
    self.factor = factor == -1 ? nil : factor
    rescalesRankDropout = try file.bool("rank_dropout_scale", default: false)
    switch file.value("init_weights") ?? .bool(true) {
    case .bool(true): initialization = .zeroFirst
    case .bool(false): initialization = .random
    case .string("lycoris"): initialization = .zeroSecond
    case let value:
      throw .invalidField(
        path: file.path, field: "init_weights", expected: "true, false or \"lycoris\"",
        found: value.text(.compact))
    }
  }

  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    commonFields(context) + [
      .init("decompose_both", .bool(decomposesBoth)),
      .init("decompose_factor", .integer(factor ?? -1)),
      .init(
        "init_weights",
        initialization == .zeroSecond
          ? .string("lycoris") : .bool(initialization == .zeroFirst)),
      .init("rank_dropout_scale", .bool(rescalesRankDropout)),
    ]
  }
}
