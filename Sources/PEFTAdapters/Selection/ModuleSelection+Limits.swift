extension ModuleSelection {
  /// Settings that not every method's files can express.
  enum Part {
    case layers
    case bias
    case weightTying
  }

  /// Refuses settings beyond those that a method has, which its files could not hold.
  func refuseAllBut(_ parts: Set<Part> = []) throws(AdapterError) {
    if !parts.contains(.layers), layersToTransform != nil {
      throw .invalidSetting(
        "layers_to_transform",
        expected:
          "absent, since this method has no such setting; a pattern of targets can name layers",
        found: "\(layersToTransform ?? [])")
    }
    if !parts.contains(.bias), bias != .none {
      throw .invalidSetting(
        "bias", expected: "none, since this method has no such setting", found: bias.rawValue)
    }
    if !parts.contains(.weightTying), ensuresWeightTying {
      throw .invalidSetting(
        "ensure_weight_tying", expected: "false, since this method has no such setting",
        found: "true")
    }
  }
}
