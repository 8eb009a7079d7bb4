package import PEFTCheckpoints
package import PEFTJSON
import PEFTTensor

extension Bottleneck: StoredMethod {
  /// The settings in an `adapter_config.json`.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(
      width: try file.positiveInteger("r", default: 64),
      placement: try file.choice("placement", default: .houlsby),
      activation: try file.choice("non_linearity", default: .gelu))
    selection = try file.selection()
    trainsNorms = try file.bool("train_norms", default: true)
    switch file.value("init_weights") ?? .bool(true) {
    case .bool(true): initialization = .zero
    case let value:
      guard let deviation = value.number else {
        throw .invalidField(
          path: file.path, field: "init_weights", expected: "true or a deviation",
          found: value.text(.compact))
      }
      initialization = .normal(Float(deviation))
    }
  }

  /// The fields of `adapter_config.json`.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    let start: JSON =
      if case .normal(let deviation) = initialization {
        .number(Double("\(deviation)") ?? 0)
      } else { .bool(true) }
    return context.fields(type: Self.type, selection) + [
      .init("init_weights", start),
      .init("non_linearity", .string(activation.rawValue)),
      .init("placement", .string(placement.rawValue)),
      .init("r", .integer(width)),
      .init("train_norms", .bool(trainsNorms)),
    ]
  }
}
