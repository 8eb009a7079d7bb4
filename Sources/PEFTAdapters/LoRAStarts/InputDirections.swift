import PEFTTensor
import PEFTTransformer

/// The main directions of the inputs of all layers of a LoRA, while they are looked for.
struct InputDirections {
  private let started: StartedLoRA
  private let settings: EVA
  private var searches: [IncrementalSVD]
  private var isFound: [Bool]

  init(_ started: StartedLoRA, _ settings: EVA) {
    (self.started, self.settings) = (started, settings)
    searches = started.linearSites.map { site in
      let most = Int((Double(site.rank) * settings.rho).rounded(.toNearestOrEven))
      return IncrementalSVD(count: min(most, site.layer.inputs))
    }
    isFound = searches.map { _ in false }
  }

  /// Whether every direction was found.
  var isDone: Bool { isFound.allSatisfy { $0 } }

  /// Takes what came into a layer in.
  mutating func add(_ rows: Tensor, at index: Int) throws(LinearAlgebraError) {
    guard !isFound[index] else { return }
    let cosines = try withoutGradients { () throws(LinearAlgebraError) in
      try searches[index].add(rows)
    }
    if let cosines { isFound[index] = cosines.allSatisfy { $0 >= settings.tau } }
  }

  /// Deals the ranks out and attaches the adapter.
  func attached(_ model: CausalLM, _ name: String) throws(AdapterError) -> Adapter {
    let sites = started.linearSites
    for (index, search) in searches.enumerated() where search.components == nil {
      throw .invalidSetting(
        "batches", expected: "one with at least \(search.count) labels in all its rows",
        found: "none for \(sites[index].site.path)")
    }
    var shares: [(share: Double, index: Int)] = []
    for (index, search) in searches.enumerated() {
      shares += search.explained.map { ($0, index) }
    }
    let budget = sites.reduce(0) { $0 + $1.rank }
    var ranks = sites.map { _ in 0 }
    // The order among equals is that of the model.
    let sorted = shares.enumerated().sorted {
      ($1.element.share, $0.offset) < ($0.element.share, $1.offset)
    }
    for entry in sorted.prefix(budget) { ranks[entry.element.index] += 1 }
    if settings.rho == 1 { ranks = sites.map(\.rank) }
    var method = started.method
    (method.rankPattern, method.alphaPattern) = ([], [])
    method.targets = .names(zip(sites, ranks).filter { $1 > 0 }.map(\.0.site.path))
    (method.excluded, method.layersToTransform, method.layersPattern) = (nil, nil, [])
    var starts: [String: (a: Tensor, b: Tensor)] = [:]
    for (index, site) in sites.enumerated() where ranks[index] > 0 {
      guard let components = searches[index].components else { continue }
      let (path, rank) = (site.site.path, ranks[index])
      starts[path] = (
        components.prefixAxis(0..<rank).copied(), Tensor(zeros: [site.layer.outputs, rank])
      )
      if rank != method.rank { method.rankPattern.append(.init("^" + path, rank)) }
      let alpha = site.alpha * (settings.adjustsAlpha ? Double(rank) / Double(site.rank) : 1)
      if alpha != method.alpha { method.alphaPattern.append(.init("^" + path, alpha)) }
    }
    return try StartedLoRA(method, model, name: name).attach(starts)
  }
}
