package import PEFTCheckpoints
package import PEFTJSON
package import PEFTTensor

extension SparseDelta: StoredMethod {
  /// `shira_indices`, beside `shira_weight`.
  package static var indicesName: String? { "shira_indices" }

  /// The settings in an `adapter_config.json`; the places stand beside the values.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(rank: try file.positiveInteger("r", default: 32))
    selection = try file.selection()
    scale = Float(try file.number("scaling", default: 1))
    masks = SparseMasks()
    // How the places were found, and how the values started.
    file.ignore(["mask_type", "random_seed", "init_weights"])
  }

  /// With random places.
  package var startingAnew: SparseDelta {
    var method = self
    method.masks = nil
    return method
  }

  /// Takes over the places.
  package mutating func takeIndices(_ values: [String: Indices]) throws(AdapterError) {
    masks = try SparseMasks(values)
  }

  /// The places of every layer.
  package func storedIndices(_ adapter: Adapter) -> [String: Indices] {
    adapter.layers(of: SparseDeltaLayer.self).reduce(into: [:]) { result, entry in
      result[entry.site.path] = entry.layer.places.indices
    }
  }

  /// The fields of `adapter_config.json` as PEFT writes it, or with a scale.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    let layers = context.adapter.layers(of: SparseDeltaLayer.self)
    let isPlain =
      scale == 1 && !context.isConv1D
      && layers.allSatisfy {
        $0.layer.places.count == rank * ($0.layer.places.rows + $0.layer.places.columns)
      }
    var selection = selection
    if excluded != nil || layersToTransform != nil {
      // PEFT's SHiRA knows no exclusions and layers.
      selection = ModuleSelection(.names(layers.map(\.site.path)))
      selection.modulesToSave = modulesToSave
    }
    let unknown = ["exclude_modules", "layers_pattern", "layers_to_transform"]
    let fields = context.fields(type: isPlain ? Self.type : Self.ownType, selection)
      .filter { !unknown.contains($0.name) }
    return fields + [
      .init("fan_in_fan_out", .bool(context.isConv1D)),
      .init("init_weights", .bool(true)),
      .init("mask_type", .string(masks == nil ? "random" : "custom")),
      .init("r", .integer(rank)),
      .init("random_seed", .null),
    ] + (isPlain ? [] : [.init("scaling", .number(Double(scale)))])
  }
}

extension SparseMasks {
  /// Masks as they lie in a file, `[2, count]` each.
  init(_ values: [String: Indices]) throws(AdapterError) {
    self.init()
    for (path, indices) in values {
      guard let entry = Places(indices) else {
        throw .notAdaptable(
          module: path, reason: "the places in the file have the shape \(indices.shape), not [2, n]"
        )
      }
      places[path] = entry
    }
  }
}
