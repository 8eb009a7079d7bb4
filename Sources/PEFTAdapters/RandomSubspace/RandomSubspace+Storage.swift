package import PEFTCheckpoints
package import PEFTJSON

extension RandomSubspace: StoredMethod {
  /// The settings in an `adapter_config.json`.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(rank: try file.positiveInteger("r", default: 8))
    selection = try file.selection()
    interval = try file.optionalInteger("interval")
    seed = UInt64(clamping: try file.integer("seed", default: 0))
    let name = try file.string("factorize_method", default: "svd_equal")
    guard let factorization = Factorization(rawValue: name) else {
      throw .invalidField(
        path: file.path, field: "factorize_method",
        expected: "svd_equal, svd_add or random_add", found: name)
    }
    self.factorization = factorization
  }

  /// The fields of `adapter_config.json`.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    context.fields(type: Self.type, selection) + [
      .init("factorize_method", .string(factorization.rawValue)),
      .init("fan_in_fan_out", .bool(context.isConv1D)),
      .init("interval", interval.map(JSON.integer) ?? .null),
      .init("r", .integer(rank)),
      .init("seed", .integer(Int(clamping: seed))),
    ]
  }
}
