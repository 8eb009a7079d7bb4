import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class SpectraTests: XCTestCase {
  /// A LoRA whose product has given singular values, though its factors do not look like it.
  @discardableResult
  private func attach(_ values: [Float], to model: MatrixModel) throws -> Adapter {
    let rank = values.count
    let adapter = try model.attach(
      LoRA(rank: rank, alpha: 3 * Double(rank), targets: .names(["maps.0"])))
    let layer = try XCTUnwrap(adapter.layers(of: LoRALayer.self).first?.layer)
    let svd = try MatrixModel.teacher(values, size: 12, seed: 4).svd()
    let mix = Tensor([2, 1, 0, 0.5, 3, 1, 0, 0, 1], shape: [3, 3])
    let inverse = try mix.leastSquares(Tensor([1, 0, 0, 0, 1, 0, 0, 0, 1], shape: [3, 3])).solution
    let scaled = svd.u.columns(0..<rank).contiguous * Tensor(values, shape: [1, rank])
    layer.b.value = scaled.matrixProduct(mix) * (1 / 3)
    layer.a.value = inverse.matrixProduct(svd.vt.prefixAxis(0..<rank))
    return adapter
  }

  func testSingularValuesOfAProduct() throws {
    let model = MatrixModel([Tensor(zeros: [12, 12])])
    let adapter = try attach([4, 2, 1], to: model)
    let spectrum = try XCTUnwrap(adapter.spectra().first)
    XCTAssertEqual(spectrum.path, "maps.0")
    expectClose(spectrum.values, [4, 2, 1], relative: 1e-5)
    // The energies are 16, 4 and 1 of 21.
    XCTAssertEqual(spectrum.effectiveRank(energy: 0.7), 1)
    XCTAssertEqual(spectrum.effectiveRank(energy: 0.9), 2)
    XCTAssertEqual(spectrum.effectiveRank(), 3)
    XCTAssertEqual(spectrum.effectiveRank(energy: 1), 3)
    XCTAssertEqual(spectrum.effectiveRank(energy: 0), 1)
  }

  func testPruningLeavesTheBestMatrix() throws {
    for (limit, left) in [
      (RankLimit.rank(2), [4, 2] as [Float]), (.energy(0.9), [4, 2]), (.energy(0.5), [4]),
      (.rank(9), [4, 2, 1]),
    ] {
      let model = MatrixModel([Tensor(zeros: [12, 12])])
      try attach([4, 2, 1], to: model)
      let whole = withoutGradients { model.matrix(0) }
      let pruned = try model.attachPruned("default", to: limit, as: "small")
      XCTAssertEqual(model.adapters.activeNames, ["small"])
      let lost = withoutGradients { whole - model.matrix(0) }
      let floor = [4, 2, 1].dropFirst(left.count).reduce(Float(0)) { $0 + $1 * $1 }
      XCTAssertEqual(Float(lost.sumOfSquares), floor, accuracy: 1e-4)
      expectClose(
        Array(try XCTUnwrap(pruned.spectra().first).values.prefix(left.count)),
        left.map(Double.init), relative: 1e-5)
    }
  }

  /// The dense change of every kind of layer, by the merged weights.
  func testSpectraAreThoseOfTheMergedWeights() throws {
    var wide = LoRA(rank: 3, alpha: 6, targets: .names(["wte", "c_attn", "c_fc"]))
    wide.rankPattern = [.init("c_fc", 40)]
    let delta = DeltaLoRA(rank: 2, alpha: 2, delay: -1)
    let methods: [any AdapterMethod] = [
      wide, AdaLoRA(initialRank: 3, targetRank: 2, totalSteps: 9), delta, DyLoRA(rank: 3),
    ]
    for method in methods {
      let model = try TestModels.make("gpt2") { $0.hasTiedHead = false }
      let adapter = try model.attach(method)
      adapter.randomize()
      let spectra = try adapter.spectra()
      for (module, spectrum) in zip(adapter.modules, spectra) {
        let parameter = try XCTUnwrap(module.site.linear?.weight ?? module.site.embedding?.weight)
        let before = parameter.value
        try model.merge()
        let expected = try (parameter.value - before).svd().values.array
        try model.unmerge()
        let count = min(spectrum.values.count, expected.count)
        expectClose(
          Array(spectrum.values.prefix(count)), expected.prefix(count).map(Double.init),
          absolute: 2e-5 * Double(expected[0]), "\(type(of: method).type) \(spectrum.path)")
      }
    }
  }

  func testAPrunedAdapterTakesCopiesAndEmbeddingsAlong() throws {
    let model = try TestModels.make("llama")
    var method = LoRA(rank: 4, alpha: 8, targets: .names(["embed_tokens", "q_proj"]))
    (method.modulesToSave, method.bias) = (["lm_head"], .all)
    let adapter = try model.attach(method)
    adapter.randomize()
    let before = model.sample
    let pruned = try model.attachPruned("default", to: .energy(1), as: "same")
    XCTAssertFalse(pruned.isTrainable)
    XCTAssertTrue(model.sample.isClose(to: before, within: 2e-4))
    try Files.withTemporaryFolder { folder in
      let target = try pruned.save(to: folder.path)
      let other = try TestModels.make("llama")
      try other.loadAdapter(target)
      XCTAssertEqual(other.sample.bits, model.sample.bits)
    }
    let error = expectAdapterError { try model.attachPruned("same", to: .energy(0), as: "none") }
    XCTAssertEqual(error?.label, "invalidSetting energy")
    let rank = expectAdapterError { try model.attachPruned("same", to: .rank(0), as: "none") }
    XCTAssertEqual(rank?.label, "invalidSetting rank")
    XCTAssertEqual(
      expectAdapterError { try model.attachPruned("same", to: .rank(1), as: "same") }?.label,
      "nameTaken same")
  }
}
