import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// How a method is used, for `checkAdapter`.
struct AdapterContract<Adapter: Attachment> {
  /// Makes the base, the same one every time.
  var base: () throws -> CausalLM
  /// Attaches the method under a name.
  var attach: (CausalLM, String) throws -> Adapter
  /// What the method trains.
  var parameters: (Adapter) -> [Parameter]
  /// Saves into a folder.
  var save: (Adapter, String) throws -> Void
  /// Loads from a folder under a name.
  var load: (CausalLM, String, String) throws -> Adapter
  /// Whether a new adapter leaves the outputs to the bit.
  var startsAsIdentity = true
  /// Whether it can be merged; the tolerance is a share of the largest logit.
  var mergeTolerance: Double? = 2e-5
}

extension AdapterContract<LoRAAdapter> {
  /// LoRA with these settings.
  init(_ method: LoRA, base: @escaping () throws -> CausalLM) {
    self.init(
      base: base, attach: { try $0.attach(method, name: $1) }, parameters: { $0.parameters },
      save: { try $0.save(to: $1) }, load: { try $0.loadAdapter($1, name: $2) })
  }
}

/// Proves what every adapter promises: it starts as the identity, trains only its own parameters, learns, merges and
/// comes out again to the bit, is the same after saving and loading, and leaves no trace when it is removed.
func checkAdapter<Adapter>(
  _ contract: AdapterContract<Adapter>, _ message: String = "", file: StaticString = #filePath,
  line: UInt = #line
) throws {
  try ContractCheck(contract: contract, message: message, file: file, line: line).run()
}

private struct ContractCheck<Adapter: Attachment> {
  let contract: AdapterContract<Adapter>
  let message: String
  let file: StaticString
  let line: UInt

  func run() throws {
    let model = try contract.base()
    let (bits, output) = (model.bits, model.sample)
    let trainable = model.parameters(.trainable).map(\.path)

    let adapter = try contract.attach(model, "default")
    if contract.startsAsIdentity { expect(model.sample.bits == output.bits, "starts as identity") }
    let own = Set(contract.parameters(adapter).map(ObjectIdentifier.init))
    expect(!own.isEmpty, "has parameters")
    let trained = Set(model.parameters(.trainable).map { ObjectIdentifier($0.parameter) })
    expect(trained == own, "trains its own parameters and nothing else")

    train(model)
    expect(model.bits == bits, "training leaves the base")
    let adapted = model.sample
    expect(adapted.bits != output.bits, "training has an effect")
    expect(model.withoutAdapters { model.sample }.bits == output.bits, "can be switched off")
    expect(model.sample.bits == adapted.bits, "comes back")

    try checkMerging(model, adapter, adapted, bits)
    try checkSaving(adapter, adapted)

    try model.detach("default")
    expect(model.sample.bits == output.bits && model.bits == bits, "leaves the base as it was")
    expect(model.filledSlots.isEmpty && model.adapters.names.isEmpty, "leaves no slot filled")
    expect(
      model.parameters(.trainable).map(\.path) == trainable, "leaves what was trainable")
  }

  private func train(_ model: CausalLM) {
    let optimizer = AdamW(
      [ParameterGroup(model.parameters(.trainable))], learningRate: 1e-2, weightDecay: 0)
    var losses: [Float] = []
    for _ in 0..<20 {
      let loss = model.loss(model.batch)
      loss.backward()
      optimizer.step()
      losses.append(loss.item)
    }
    expect(losses[19] < 0.97 * losses[0], "loss falls: \(losses[0]) to \(losses[19])")
  }

  private func checkMerging(
    _ model: CausalLM, _ adapter: Adapter, _ adapted: Tensor, _ bits: [String: [UInt32]]
  ) throws {
    guard let tolerance = contract.mergeTolerance else { return }
    let report = try model.merge("default")
    expect(adapter.isMerged && report.parameters > 0, "is merged")
    expect(model.bits != bits, "changes the weights")
    expect(Double(report.relativeDifference) <= tolerance, "reports \(report)")
    expectClose(
      model.sample, adapted, absolute: tolerance * Double(adapted.largest),
      "\(message) merged output", file: file, line: line)
    try model.unmerge("default")
    expect(model.bits == bits, "unmerging restores the bits")
    expect(model.sample.bits == adapted.bits, "unmerging restores the output")
  }

  private func checkSaving(_ adapter: Adapter, _ adapted: Tensor) throws {
    try Files.withTemporaryFolder { folder in
      try contract.save(adapter, folder.path)
      let other = try contract.base()
      let loaded = try contract.load(other, folder.path, "default")
      expect(other.sample.bits == adapted.bits, "is the same after saving and loading")
      expect(loaded.isActive && other.parameters(.trainable).isEmpty, "is loaded for inference")
    }
  }

  private func expect(_ condition: Bool, _ what: String) {
    XCTAssert(condition, "\(message) \(what)", file: file, line: line)
  }
}
