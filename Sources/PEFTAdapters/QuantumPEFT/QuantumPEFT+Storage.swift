package import PEFTCheckpoints
package import PEFTJSON

extension QuantumPEFT: StoredMethod {
  /// The settings in an `adapter_config.json`.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    let kind = try file.string("frame", default: "pauli")
    let frame: Frame
    switch kind {
    case "pauli": frame = .pauli(layers: try file.integer("layers", default: 1))
    case "taylor": frame = .taylor(order: try file.integer("order", default: 6))
    case "cayley": frame = .cayley
    default:
      throw .invalidField(
        path: file.path, field: "frame", expected: "pauli, taylor or cayley", found: kind)
    }
    self.init(rank: try file.positiveInteger("r", default: 8), frame: frame)
    selection = try file.selection()
    scale = Float(try file.number("scaling", default: 1))
  }

  /// The fields of `adapter_config.json`.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    var fields =
      context.fields(type: Self.type, selection) + [
        .init("fan_in_fan_out", .bool(context.isConv1D)), .init("r", .integer(rank)),
        .init("scaling", .number(Double(scale))),
      ]
    switch frame {
    case .pauli(let layers):
      fields += [.init("frame", .string("pauli")), .init("layers", .integer(layers))]
    case .taylor(let order):
      fields += [.init("frame", .string("taylor")), .init("order", .integer(order))]
    case .cayley: fields.append(.init("frame", .string("cayley")))
    }
    return fields
  }
}
