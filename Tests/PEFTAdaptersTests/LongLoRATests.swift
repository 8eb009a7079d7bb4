import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class LongLoRATests: XCTestCase {
  private func method(_ groups: AttentionGroups = .size(4)) -> LongLoRA {
    LongLoRA(rank: 3, alpha: 6, groups: groups)
  }

  func testContract() throws {
    try checkAdapter(method(), families: ["llama"], precisions: [.float32, .nf4])
    // The head of this one is tied to the embedding, of which a copy is trained.
    try checkAdapter(method(), families: ["gpt2"], precisions: [.float32]) {
      $0.mergeTolerance = nil
    }
    var branchesOnly = method(.ratio(0.25))
    (branchesOnly.trainsEmbeddings, branchesOnly.trainsNorms) = (false, false)
    try checkAdapter(branchesOnly, families: ["gpt2"], precisions: [.float32])
  }

  func testWhatIsTrained() throws {
    for (family, copies) in [("llama", 1 + 5), ("gpt2", 2 + 5 * 2)] {
      let model = try TestModels.make(family)
      let adapter = try model.attach(method())
      XCTAssertEqual(adapter.copies.count, copies, family)
      let branches = adapter.layers(of: LoRALayer.self).map(\.site.path)
      XCTAssertEqual(branches.count, family == "llama" ? 8 : 4, "\(branches)")
      XCTAssertTrue(branches.allSatisfy { $0.contains("attn") })
      XCTAssertEqual(adapter.parameterCount, model.parameterCount(.trainable))
      XCTAssertEqual(
        try method().plan(TestModels.make(family)).trainableCount, adapter.parameterCount)
    }
  }

  /// What the decoder makes of a row in training.
  private func states(_ model: CausalLM, _ row: [Int32]) -> Tensor {
    let positions = (0..<row.count).map { Int32($0) }
    let context = ForwardContext(
      visible: .rows([0..<row.count], queries: row.count, past: 0),
      positions: Indices(positions, shape: [1, row.count]), dropout: DropoutKeys(seed: 0),
      sequenceLength: row.count)
    return withoutGradients { model.decoder(Indices(row, shape: [1, row.count]), context) }
  }

  func testNoTokenSeesALaterOne() throws {
    for family in ["llama", "gpt2", "mistral"] {
      let model = try TestModels.make(family)
      try model.attach(method()).randomize()
      let row = (0..<16).map { Int32($0 * 7 % 61) }
      let before = states(model, row)
      for place in 0..<16 {
        var changed = row
        changed[place] = (row[place] + 1) % 61
        let after = states(model, changed)
        for other in 0..<16 {
          let (x, y) = (
            before.sliced(axis: 1, other..<other + 1).bits,
            after.sliced(axis: 1, other..<other + 1).bits
          )
          if other < place { XCTAssertEqual(x, y, "\(family): \(other) sees \(place)") }
          if other == place { XCTAssertNotEqual(x, y) }
        }
      }
    }
  }

  func testAttentionIsFullOutsideTraining() throws {
    let model = try TestModels.make("llama")
    let ids = Indices((0..<16).map { Int32($0 * 7 % 61) }, shape: [1, 16])
    let batch = TokenBatch(ids: ids, keys: [0..<16], labels: ids)
    let (logits, loss) = (withoutGradients { model(ids).bits }, model.loss(batch).item)
    try model.attach(method())
    XCTAssertEqual(withoutGradients { model(ids).bits }, logits)
    XCTAssertEqual(model.loss(batch, isTraining: false).item, loss)
    XCTAssertNotEqual(model.loss(batch).item, loss)
    XCTAssertEqual(model.withoutAdapters { model.loss(batch).item }, loss)
    try model.detach("default")
    // Groups that hold a whole sequence change nothing but the order of sums.
    try model.attach(method(.size(32)))
    XCTAssertEqual(model.loss(batch).item, loss, accuracy: 1e-5)
  }

  func testEveryRowHasItsOwnGroups() throws {
    for family in ["llama", "gpt2", "mistral"] {
      for groups in [AttentionGroups.size(4), .ratio(0.3)] {
        let model = try TestModels.make(family)
        try model.attach(method(groups)).randomize()
        let rows: [[Int32]] = [
          (0..<15).map { Int32($0 * 7 % 61) }, [3, 4, 5, 6, 7, 8], (0..<10).map { Int32($0) },
        ]
        var (sum, count): (Double, Double) = (0, 0)
        for row in rows {
          let weight = Double(row.count - 1)
          sum += Double(model.loss(TokenBatch(rows: [row])).item) * weight
          count += weight
        }
        let joined = model.loss(TokenBatch(rows: rows))
        XCTAssertEqual(Double(joined.item), sum / count, accuracy: 1e-5, "\(family) \(groups)")
      }
    }
  }

  func testActivationsThatAreComputedAgainGiveTheSameGradients() throws {
    let model = try TestModels.make("llama")
    try model.attach(method()).randomize()
    let expected = model.takeGradients(model.loss(model.batch))
    model.decoder.checkpointsActivations = true
    let found = model.takeGradients(model.loss(model.batch))
    XCTAssertEqual(found.mapValues(\.bits), expected.mapValues(\.bits))
  }

  func testFoldersKeepTheGroupsAndThePositions() throws {
    let model = try TestModels.make("llama")
    try model.interpolatePositions(by: 4)
    let adapter = try model.attach(method(.ratio(0.5)))
    adapter.randomize()
    try Files.withTemporaryFolder { folder in
      try adapter.save(to: folder.path)
      let other = try TestModels.make("llama")
      let error = expectAdapterError { try other.loadAdapter(folder.path) }
      XCTAssertEqual(error?.label, "invalidSetting position_factor")
      XCTAssertTrue("\(error.map { "\($0)" } ?? "")".contains("interpolatePositions(by: 4"))
      try other.interpolatePositions(by: 4)
      let loaded = try other.loadAdapter(folder.path, isTrainable: true)
      XCTAssertEqual((loaded.method as? LongLoRA)?.groups, .ratio(0.5))
      XCTAssertEqual(other.sample.bits, model.sample.bits)
      XCTAssertEqual(other.loss(other.batch).item, model.loss(model.batch).item)
      XCTAssertEqual(other.parameterCount(.trainable), model.parameterCount(.trainable))
      try Files.withTemporaryFolder { second in
        try loaded.save(to: second.path)
        for file in ["adapter_config.json", "adapter_model.safetensors"] {
          XCTAssertEqual(
            try Data(contentsOf: second.appendingPathComponent(file)),
            try Data(contentsOf: folder.appendingPathComponent(file)), file)
        }
      }
    }
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("llama")
    for groups in [AttentionGroups.size(1), .size(-4), .ratio(0), .ratio(1.5), .ratio(.nan)] {
      XCTAssertEqual(
        expectAdapterError { try model.attach(method(groups)) }?.label, "invalidSetting groups")
    }
    XCTAssertEqual(
      expectAdapterError { try model.attach(LongLoRA(rank: 0)) }?.label, "invalidSetting rank")
  }
}
