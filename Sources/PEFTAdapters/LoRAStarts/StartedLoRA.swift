import PEFTTensor
import PEFTTransformer

/// A LoRA about to be attached with starts that were found outside of it.
struct StartedLoRA {
  /// One selected linear layer.
  struct LinearSite {
    let site: AdapterSite
    let layer: Linear
    let rank: Int
    let alpha: Double
    let scale: Float
  }

  let method: LoRA
  let linearSites: [LinearSite]
  private let host: any AdapterHost
  private let name: String
  private let resolution: Resolution

  /// Finds the modules; nothing is changed.
  init(_ method: LoRA, _ host: any AdapterHost, name: String) throws(AdapterError) {
    try host.checkName(name)
    (self.method, self.host, self.name) = (method, host, name)
    resolution = try Resolution(method, host, isStrict: true)
    linearSites = resolution.sites.compactMap { site, blueprint in
      guard let layer = site.linear, let rank = blueprint.rank, let alpha = blueprint.alpha else {
        return nil
      }
      return LinearSite(
        site: site, layer: layer, rank: rank, alpha: alpha,
        scale: method.scale(rank: rank, alpha: alpha))
    }
  }

  /// Attaches it with A and B by the path of the module; where the base counts without them, they are kept as well.
  func attach(_ starts: [String: (a: Tensor, b: Tensor)]) throws(AdapterError) -> Adapter {
    var stored: [String: Tensor] = [:]
    for linear in linearSites {
      guard let start = starts[linear.site.path] else { continue }
      func set(_ name: String, _ value: Tensor) {
        stored[AdapterFile.name(name, at: linear.site.path)] = value
      }
      set("lora_A.weight", start.a)
      set("lora_B.weight", start.b)
      let isTakenOut = method.initialization.startRole != nil
      if isTakenOut {
        set("lora_start_A.weight", start.a)
        set("lora_start_B.weight", start.b)
      }
      if method.usesWeightDecomposition {
        let norms = RowNorms(linear.layer.weight, linear.layer.layout)
        let b = withoutGradients { start.b * (isTakenOut ? 0 : linear.scale) }
        set("lora_magnitude_vector", norms.values(a: start.a, b: b))
      }
    }
    return try host.attach(method, resolution, name: name, stored: stored)
  }
}
