import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class SparseDeltaTests: XCTestCase {
  func testContract() throws {
    try checkAdapter(SparseDelta(rank: 4))
    var method = SparseDelta(rank: 2, targets: .allLinear)
    (method.scale, method.seed, method.modulesToSave) = (0.5, 3, ["lm_head"])
    try checkAdapter(method, families: ["llama"], precisions: [.float32])
  }

  func testContractWithChosenMasks() throws {
    for (family, choice) in [
      ("gpt2", SparseChoice.fish(share: 0.02)), ("llama", .gps(perRow: 2)),
    ] {
      try checkAdapter(
        AdapterContract(
          base: {
            let model = try TestModels.make(family)
            model.freeze()
            return model
          },
          attach: { model, name in
            let masks = try self.masks(
              try XCTUnwrap(model as? CausalLM), choice, for: .allLinear)
            return try model.attach(SparseDelta(masks: masks), name: name)
          }), family)
    }
  }

  private func masks(
    _ model: CausalLM, _ choice: SparseChoice, for targets: Targets = .attention,
    layersAtOnce: Int? = nil
  ) throws -> SparseMasks {
    try model.chooseMasks(
      choice, for: targets, over: [model.batch], layersAtOnce: layersAtOnce
    ) {
      model.loss($0, isTraining: false)
    }
  }

  func testCountIsThatOfLoRA() throws {
    let model = try TestModels.make("llama")
    let plan = try SparseDelta(rank: 3, targets: .allLinear).plan(model)
    XCTAssertEqual(
      plan.trainableCount, try LoRA(rank: 3, targets: .allLinear).plan(model).trainableCount)
    let adapter = try model.attach(SparseDelta(rank: 3, targets: .allLinear))
    XCTAssertEqual(adapter.parameterCount, plan.trainableCount)
    XCTAssertEqual(adapter.sparseMasks.count, plan.trainableCount)
  }

  /// The scores are the gradients that trainable float32 weights get, on any storage the same places follow from the same numbers.
  func testScoresAreTheGradientsOfTheWeights() throws {
    for family in ["gpt2", "llama"] {
      let model = try TestModels.make(family)
      model.unfreeze()
      model.loss(model.batch, isTraining: false).backward()
      let path = family == "gpt2" ? "transformer.h.1.mlp.c_fc" : "model.layers.1.mlp.up_proj"
      let named = try XCTUnwrap(
        model.parameters().first { $0.path == path + ".weight" }?.parameter)
      let isTurned = family == "gpt2"
      let gradient = try XCTUnwrap(named.gradient)
      let g = (isTurned ? gradient.transposed : gradient).array
      let w = (isTurned ? named.value.transposed : named.value).array
      let columns = named.shape[isTurned ? 0 : 1]
      model.freeze()
      for (scorer, scores) in [
        (SparseChoice.Scorer.squaredGradient, g.map { $0 * $0 }), (.gradient, g.map(abs)),
        (.absoluteGradient, g.map(abs)), (.saliency, zip(w, g).map { abs($0 * $1) }),
        (.magnitude, w.map(abs)),
      ] {
        let choice = SparseChoice(scorer, .layer, .count(50))
        let masks = try masks(model, choice, for: .allLinear)
        let places = try XCTUnwrap(masks.places[path])
        let flat = zip(places.rows, places.columns).map { Int($0) * columns + Int($1) }
        let expected = scores.indices.sorted { (scores[$1], $0) < (scores[$0], $1) }.prefix(50)
        XCTAssertGreaterThanOrEqual(
          Set(flat).intersection(expected).count, 49, "\(family) \(scorer)")
      }
    }
  }

  func testScopesAndBudgets() throws {
    let model = try TestModels.make("llama")
    model.freeze()
    let size = try model.attach(LoRA(targets: .allLinear)).modules.reduce(0) {
      $0 + ($1.site.linear?.weight.count ?? 0)
    }
    try model.detach("default")
    let global = try masks(model, .fish(share: 0.01), for: .allLinear)
    XCTAssertEqual(global.count, Int(0.01 * Double(size)))
    let rows = try masks(model, .gps(perRow: 2))
    for (path, places) in rows.places {
      XCTAssertEqual(
        places.rows, (0..<(places.count / 2)).flatMap { [Int32($0), Int32($0)] }, path)
    }
    let layers = try masks(model, SparseChoice(.saliency, .layer, .rank(2)))
    XCTAssert(
      layers.places.values.allSatisfy { $0.count == 2 * (32 + 32) || $0.count == 2 * (32 + 16) })
    XCTAssertEqual(
      layers, try masks(model, SparseChoice(.saliency, .layer, .rank(2)), layersAtOnce: 1))
    let random = SparseChoice(.random, .layer, .share(0.1), seed: 4)
    XCTAssertEqual(
      try model.chooseMasks(random, for: .attention), try model.chooseMasks(random, for: .attention)
    )
  }

  func testChoosingChangesNothing() throws {
    let model = try TestModels.make("llama")
    model.freeze()
    let adapter = try model.attach(LoRA(rank: 2))
    model.loss(model.batch).backward()
    let gradients = adapter.parameters.map { $0.gradient?.bits }
    let (bits, output, slots) = (model.bits, model.sample.bits, model.filledSlots)
    _ = try masks(model, .fish(share: 0.01), for: .allLinear)
    XCTAssertEqual(model.bits, bits)
    XCTAssertEqual(model.sample.bits, output)
    XCTAssertEqual(model.filledSlots, slots)
    XCTAssertEqual(adapter.parameters.map { $0.gradient?.bits }, gradients)
    XCTAssert(adapter.isActive && adapter.parameters.allSatisfy(\.isTrainable))
  }

  func testOnlyChosenElementsChange() throws {
    let model = try TestModels.make("llama")
    let before = model.bits
    let adapter = try model.attach(SparseDelta(rank: 1))
    let optimizer = AdamW(model.parameters(.trainable), learningRate: 0.1, weightDecay: 0.5)
    for _ in 0..<3 {
      model.loss(model.batch).backward()
      optimizer.step()
    }
    try model.merge()
    for (site, layer) in adapter.layers(of: SparseDeltaLayer.self) {
      let (old, new) = (
        before[site.path + ".weight"] ?? [], model.bits[site.path + ".weight"] ?? []
      )
      let changed = old.indices.filter { old[$0] != new[$0] }
      let chosen = zip(layer.places.rowIndices, layer.places.columnIndices).map {
        Int($0) * layer.places.columns + Int($1)
      }
      XCTAssertEqual(changed, chosen)
    }
  }

  func testFolders() throws {
    let model = try TestModels.make("llama")
    let adapter = try model.attach(SparseDelta(rank: 2))
    adapter.randomize()
    try Files.withTemporaryFolder { root in
      let (first, second) = (root.path + "/a", root.path + "/b")
      try adapter.saveTwice(in: root)
      let file = try SafetensorsFile(path: first + "/adapter_model.safetensors")
      let name = "base_model.model.model.layers.0.self_attn.q_proj.shira_indices"
      XCTAssertEqual(try file.entry(name).dtype, .int32)
      XCTAssertEqual(try file.entry(name).shape, [2, 128])
      let config = try String(contentsOfFile: first + "/adapter_config.json", encoding: .utf8)
      XCTAssert(config.contains("\"SHIRA\"") && !config.contains("scaling"))

      try damage(file, to: second) { $0.removeAll { $0.name == name } }
      let other = try TestModels.make("llama")
      expectAdapterError { try other.loadAdapter(second) }
      try damage(file, to: second) { items in
        let index = items.firstIndex { $0.name == name }!
        items[index] = .init(
          name, Indices(Array(repeating: 0, count: 256), shape: [2, 128]), as: .int32)
      }
      let error = expectAdapterError { try other.loadAdapter(second) }
      XCTAssertEqual(error?.label, "notAdaptable model.layers.0.self_attn.q_proj")
      XCTAssert(other.adapters.names.isEmpty)
    }
  }

  private func damage(
    _ file: SafetensorsFile, to folder: String, _ change: (inout [SafetensorsFile.Item]) -> Void
  ) throws {
    var items: [SafetensorsFile.Item] = try file.names.map { name in
      try file.entry(name).dtype == .int32
        ? .init(name, file.indices(name), as: .int32) : .init(name, file.tensor(name))
    }
    change(&items)
    try SafetensorsFile.write(items, to: folder + "/adapter_model.safetensors")
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("llama")
    func label(_ change: (inout SparseDelta) -> Void) -> String? {
      var method = SparseDelta(rank: 2)
      change(&method)
      return expectAdapterError { try model.attach(method) }?.label
    }
    XCTAssertEqual(label { $0.rank = 0 }, "invalidSetting r")
    XCTAssertEqual(label { $0.scale = .nan }, "invalidSetting scale")
    XCTAssertEqual(label { $0.masks = SparseMasks() }, "invalidSetting masks")
    XCTAssertEqual(label { $0.rank = 17 }, "notAdaptable model.layers.0.self_attn.q_proj")
    XCTAssertEqual(
      label { $0.targets = .names(["embed_tokens"]) }, "notAdaptable model.embed_tokens")
    func budget(_ choice: SparseChoice) -> String? {
      expectAdapterError { try model.chooseMasks(choice, for: .attention) }?.label
    }
    for budget in [SparseChoice.Budget.share(0), .share(1.5), .share(.nan), .count(-1)] {
      XCTAssertEqual(self.label(model, budget), "invalidSetting budget")
    }
    XCTAssertEqual(budget(SparseChoice(.random, .row, .rank(1))), "invalidSetting budget")
    XCTAssertEqual(budget(.fish()), "invalidSetting scorer")
  }

  private func label(_ model: CausalLM, _ budget: SparseChoice.Budget) -> String? {
    expectAdapterError {
      try model.chooseMasks(SparseChoice(.random, .layer, budget), for: .attention)
    }?.label
  }
}
