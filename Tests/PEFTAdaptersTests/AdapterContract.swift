import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// How a method is used, for `checkAdapter`.
struct AdapterContract {
  /// Makes the base, the same one every time.
  var base: () throws -> any ContractModel
  /// Attaches the method under a name.
  var attach: (any ContractModel, String) throws -> Adapter
  /// How far the outputs of a new adapter may be from the base's, as a share of the largest: 0 for the same bits, nil for a method
  /// that changes the model from the start.
  var identityTolerance: Double? = 0
  /// How far a merge may be off, as a share of the largest logit; nil for a method that cannot be merged.
  var mergeTolerance: Double? = 2e-5
  /// How far the slope of the loss along the gradient may be from the gradient's own, as a share; nil where the method holds a part of the
  /// derivative back.
  var slopeTolerance: Double? = 2e-2
  /// How far that slope is taken, before it is divided by the root of the gradient's norm.
  var slopeStep: Float = 0.003
}

extension AdapterContract {
  /// A method with these settings.
  init(_ method: some AdapterMethod, base: @escaping () throws -> any ContractModel) {
    self.init(base: base, attach: { try $0.attach(method, name: $1) })
  }
}

/// Proves what every adapter promises: it starts as the identity, trains only its own parameters, its gradient is the slope of
/// the loss, it learns, merges and comes out again to the bit, is the same after saving and loading, leaves another adapter
/// alone, and leaves no trace when it is removed.
func checkAdapter(
  _ contract: AdapterContract, _ message: String = "", file: StaticString = #filePath,
  line: UInt = #line
) throws {
  try ContractCheck(contract: contract, message: message, file: file, line: line).run()
}

/// The same on every kind of model and on every storage of the base.
func checkAdapter(
  _ method: some AdapterMethod, families: [String] = ["gpt2", "llama", "bert"],
  precisions: [Precision] = [.float32, .bfloat16, .nf4], file: StaticString = #filePath,
  line: UInt = #line, _ change: (inout AdapterContract) -> Void = { _ in }
) throws {
  for family in families {
    for precision in precisions {
      var contract = AdapterContract(method) {
        let model = try TestModels.any(family)
        model.freeze()
        model.store(as: precision)
        return model
      }
      // The loss of a classifier is the more curved, that of one of pictures the most.
      if family == "vit" { contract.slopeStep = 0.001 }
      if precision != .float32 {
        // The products of these storages round their inputs, those of a merged weight do not.
        contract.mergeTolerance = 2e-2
        (contract.slopeTolerance, contract.slopeStep) = (
          0.2, family == "vit" ? 0.004 : family == "bert" ? 0.008 : 0.05
        )
      }
      change(&contract)
      try checkAdapter(contract, "\(family) \(precision)", file: file, line: line)
    }
  }
}

private struct ContractCheck {
  let contract: AdapterContract
  let message: String
  let file: StaticString
  let line: UInt

  func run() throws {
    let model = try contract.base()
    let (bits, output) = (model.bits, model.sample)
    let trainable = model.parameters(.trainable).map(\.path)

    let adapter = try contract.attach(model, "default")
    if let tolerance = contract.identityTolerance {
      expect(model.sample.isClose(to: output, within: tolerance), "starts as identity")
    }
    let own = Set(adapter.parameters.map(ObjectIdentifier.init))
    expect(!own.isEmpty, "has parameters")
    let trained = Set(model.parameters(.trainable).map { ObjectIdentifier($0.parameter) })
    expect(trained == own, "trains its own parameters and nothing else")

    train(model)
    checkSlope(model, adapter)
    expect(model.bits == bits, "training leaves the base")
    let adapted = model.sample
    expect(adapted.bits != output.bits, "training has an effect")
    expect(model.withoutAdapters { model.sample }.bits == output.bits, "can be switched off")
    expect(model.sample.bits == adapted.bits, "comes back")

    try checkMerging(model, adapter, adapted, bits)
    try checkSaving(adapter, adapted)
    try checkNeighbour(model, adapter, adapted)

    try model.detach("default")
    expect(model.sample.bits == output.bits && model.bits == bits, "leaves the base as it was")
    expect(model.filledSlots.isEmpty && model.adapters.names.isEmpty, "leaves no slot filled")
    expect(
      model.parameters(.trainable).map(\.path) == trainable, "leaves what was trainable")
  }

  private func train(_ model: any ContractModel) {
    let optimizer = AdamW(
      [ParameterGroup(model.parameters(.trainable))], learningRate: 1e-2, weightDecay: 0)
    var losses: [Float] = []
    for _ in 0..<20 {
      let loss = model.sampleLoss
      loss.backward()
      optimizer.step()
      losses.append(loss.item)
    }
    expect(losses[19] < 0.97 * losses[0], "loss falls: \(losses[0]) to \(losses[19])")
  }

  /// Compares the gradient with the slope of the loss along it, by central differences.
  private func checkSlope(_ model: any ContractModel, _ adapter: Adapter) {
    guard let tolerance = contract.slopeTolerance else { return }
    model.sampleLoss.backward()
    let parameters = adapter.parameters
    let gradients = parameters.map { $0.gradient ?? Tensor(zeros: $0.shape) }
    for parameter in parameters { parameter.gradient = nil }
    let norm = gradients.reduce(0.0) { $0 + $1.sumOfSquares }.squareRoot()
    let values = parameters.map { $0.value.copied() }
    let step = contract.slopeStep / Float(norm).squareRoot()
    func loss(_ sign: Float) -> Double {
      for (index, parameter) in parameters.enumerated() {
        let change = gradients[index] * (sign * step / Float(norm))
        parameter.value = withoutGradients { values[index] + change }
      }
      return Double(model.sampleLoss.item)
    }
    let slope = (loss(1) - loss(-1)) / Double(2 * step)
    for (parameter, value) in zip(parameters, values) { parameter.value = value }
    expect(abs(slope - norm) <= tolerance * norm, "gradient \(norm) is the slope \(slope)")
  }

  /// A second adapter of the same kind, trained, leaves the first as it is.
  private func checkNeighbour(
    _ model: any ContractModel, _ adapter: Adapter, _ adapted: Tensor
  ) throws {
    let values = adapter.parameters.map(\.value.bits)
    let other = try contract.attach(model, "other")
    expect(!adapter.isActive && other.isActive, "is switched off by a new one")
    train(model)
    expect(adapter.parameters.map(\.value.bits) == values, "is left alone by another")
    try model.activate(["default"])
    expect(model.sample.bits == adapted.bits, "is the same beside another")
    try model.detach("other")
    expect(model.sample.bits == adapted.bits, "is the same after another")
  }

  private func checkMerging(
    _ model: any ContractModel, _ adapter: Adapter, _ adapted: Tensor, _ bits: [String: [UInt32]]
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
      try adapter.save(to: folder.path)
      let other = try contract.base()
      let loaded = try other.loadAdapter(folder.path)
      expect(other.sample.bits == adapted.bits, "is the same after saving and loading")
      expect(loaded.isActive && other.parameters(.trainable).isEmpty, "is loaded for inference")
    }
  }

  private func expect(_ condition: Bool, _ what: String) {
    XCTAssert(condition, "\(message) \(what)", file: file, line: line)
  }
}
