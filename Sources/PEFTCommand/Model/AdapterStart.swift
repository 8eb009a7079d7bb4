import PEFTAdapters
import PEFTCheckpoints
import PEFTTraining
import PEFTTransformer

/// What is done with the base and some rows when a method is attached.
enum AdapterStart {
  /// Nothing: the method is attached as it is.
  case plain
  /// A LoRA starts with the main directions of the inputs.
  case inputs(EVA)
  /// A LoRA starts with the main directions of the gradients.
  case gradients(LoRAGA)
  /// The base is kept in four bits, and a LoRA starts with what is lost by it.
  case quantizing(LoftQ)
  /// Single weights are chosen.
  case mask(SparseChoice)
  /// Rotary positions are divided by this.
  case positions(factor: Double)

  /// Whether it asks for rows.
  var needsRows: Bool {
    switch self {
    case .inputs, .gradients, .mask: true
    case .plain, .quantizing, .positions: false
    }
  }

  /// Whether the base is another one afterwards, which is saved beside the adapter.
  var changesBase: Bool {
    if case .quantizing = self { true } else { false }
  }
}

extension TrainingPlan {
  /// How many rows a start is found from where nothing is said.
  static let defaultStartRows = 256

  /// Changes of the base that the method is made for.
  func prepare(_ model: CausalLM) throws {
    if case .positions(let factor) = start { try model.divideRotaryPositions(by: factor) }
  }

  /// Attaches the method, which may look at some of the rows first.
  ///
  /// - Parameters:
  ///   - method: what is attached.
  ///   - model: what it is attached to.
  ///   - batches: the first rows of the training, so many in a batch.
  /// - Throws: `AdapterError`, and what `batches` throws.
  func attach(
    _ method: any AdapterMethod, to model: CausalLM,
    batches: (_ size: Int) throws -> [TokenBatch]
  ) throws {
    switch (start, method) {
    case (.inputs(let settings), let lora as LoRA):
      try model.attach(lora, settings, batches: batches(batchSize))
    case (.gradients(let settings), let lora as LoRA):
      try model.attach(lora, settings, batches: batches(batchSize))
    case (.quantizing(let settings), let lora as LoRA):
      try model.attachQuantizing(lora, settings)
    case (.mask(let choice), let sparse as SparseDelta):
      // Fisher's information is that of single rows.
      let masks = try model.chooseMasks(
        choice, for: sparse.selection.targets, over: batches(1)
      ) { model.loss($0, isTraining: false) }
      try model.attach(sparse.at(masks))
    default: try model.attach(method)
    }
  }

  /// What will be trained, before any row was looked at.
  func preview(_ method: any AdapterMethod, _ model: CausalLM) throws -> AdapterPlan {
    guard case .mask(var choice) = start, let sparse = method as? SparseDelta else {
      return try method.plan(model)
    }
    // Other places, but as many in all.
    choice.scorer = .random
    let masks = try model.chooseMasks(choice, for: sparse.selection.targets)
    return try sparse.at(masks).plan(model)
  }
}

extension SparseDelta {
  /// The same at chosen places.
  fileprivate func at(_ masks: SparseMasks) -> SparseDelta {
    var method = SparseDelta(masks: masks)
    (method.rank, method.scale, method.selection.seed) = (rank, scale, selection.seed)
    method.selection.modulesToSave = selection.modulesToSave
    return method
  }
}

extension CausalLM {
  /// Makes rotary positions those divided by a factor, whatever was done before.
  func divideRotaryPositions(by factor: Double) throws(ModelError) {
    let before = positionFactor ?? 1
    if abs(before - factor) > 1e-6 * factor { try interpolatePositions(by: factor / before) }
  }
}
