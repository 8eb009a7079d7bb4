package import PEFTCheckpoints
package import PEFTJSON
import PEFTTransformer

extension IA3: StoredMethod {
  /// The settings in an `adapter_config.json`.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    selection = try file.selection()
    feedForward = try file.targets("feedforward_modules")
    startsWithOnes = try file.bool("init_ia3_weights", default: true)
  }

  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    context.fields(type: Self.type, selection, hasLayers: false) + [
      .init("fan_in_fan_out", .bool(context.isConv1D)),
      .init("feedforward_modules", feedForwardField(context)),
      .init("init_ia3_weights", .bool(startsWithOnes)),
    ]
  }

  /// A pattern where the names are not all among the targets, since PEFT would refuse such names.
  private func feedForwardField(_ context: StorageContext) -> JSON {
    let usual = context.adapter.host.flatMap { Self.usualFeedForward($0.modelType) }
    guard let targets = feedForward ?? usual.map({ .names($0) }) else { return .null }
    guard case .names(let names) = targets, case .names(let all) = selection.targets,
      !Set(names).isSubset(of: all)
    else { return .targets(targets) }
    let used = names.filter { name in
      context.adapter.modules.contains { $0.site.path.endsExactly(with: name) }
    }
    let ends = used.map { $0.replacing(".", with: #"\."#) }
    return used.isEmpty ? .array([]) : .string(".*(\(ends.joined(separator: "|")))")
  }
}
