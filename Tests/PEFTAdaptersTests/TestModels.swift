import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Small random models of every family.
enum TestModels {
  /// A model of a family; its sizes are those of a committed one, but for what `change` makes of them.
  static func make(
    _ family: String, seed: UInt64 = 1,
    _ change: (inout TransformerConfiguration) -> Void = { _ in }
  ) throws -> CausalLM {
    let bases = [
      "gpt2": "gpt2-lora", "llama": "llama-lora", "mistral": "mistral-lora-all",
      "qwen2": "qwen2-lora-bias",
    ]
    let folder = bases[family].map { "Oracle/\($0)/base" } ?? "Models/\(family)"
    var configuration = try CausalLM(directory: Files.fixture(folder).path).configuration
    change(&configuration)
    let window = configuration.slidingWindows.first ?? nil
    configuration.slidingWindows = Array(repeating: window, count: configuration.layers)
    let model = try CausalLM(configuration, from: RandomParameters(seed: seed))
    fillBiases(of: model, seed)
    return model
  }

  /// A classifier of sequences: of a family of encoders, or of decoders as `gpt2-classes`.
  static func classifier(
    _ family: String = "bert", seed: UInt64 = 1
  ) throws -> SequenceClassifier {
    let folder = Files.fixture(family == "bert" ? "Oracle/bert-lora/base" : "Models/\(family)").path
    var configuration = try SequenceClassifier(directory: folder).configuration
    if configuration.isCausal {
      // Transformers takes several rows only where there is a token of padding.
      configuration.classifier?.pooling = .lastToken(padding: 0)
      configuration.labels = ["a", "b", "c"]
    }
    let model = try SequenceClassifier(configuration, from: RandomParameters(seed: seed))
    fillBiases(of: model, seed)
    return model
  }

  /// An encoder that scores every token, as `bert-masked` or `bert-tokens`.
  private static func tokenScorer(
    _ family: String, seed: UInt64
  ) throws -> (any ContractModel)? {
    let folder = Files.fixture("Models/\(family)").path
    let source = RandomParameters(seed: seed)
    let model: any ContractModel
    if family.hasSuffix("-masked") {
      model = try MaskedLM(try MaskedLM(directory: folder).configuration, from: source)
    } else if family.hasSuffix("-tokens") {
      model = try TokenClassifier(
        try TokenClassifier(directory: folder).configuration, from: source)
    } else {
      return nil
    }
    fillBiases(of: model, seed)
    return model
  }

  /// A classifier of pictures.
  static func images(seed: UInt64 = 1) throws -> ImageClassifier {
    let folder = Files.fixture("Oracle/vit-lora/base").path
    let configuration = try ImageClassifier(directory: folder).configuration
    let model = try ImageClassifier(configuration, from: RandomParameters(seed: seed))
    fillBiases(of: model, seed)
    return model
  }

  /// A model of any family.
  static func any(_ family: String, seed: UInt64 = 1) throws -> any ContractModel {
    if family == "vit" { return try images(seed: seed) }
    if let model = try tokenScorer(family, seed: seed) { return model }
    return ["bert", "roberta", "distilbert"].contains(family) || family.hasSuffix("-classes")
      ? try classifier(family, seed: seed) : try make(family, seed: seed)
  }

  /// New models have biases of zero, which would hide that one is lost.
  private static func fillBiases(of model: some Module, _ seed: UInt64) {
    var random = SeededRandom(seed)
    for named in model.parameters() where named.path.hasSuffix("bias") {
      named.parameter.value = random.tensor(named.parameter.shape, in: -0.2...0.2)
    }
  }
}

/// A model of the contract, whatever its task.
protocol ContractModel: PretrainedModel {
  /// Some rows or pictures, as a file gives them to Python.
  var sampleItems: [SafetensorsFile.Item] { get }
  /// The output for them.
  var sample: Tensor { get }
  /// The loss of a batch for which it can be lowered.
  var sampleLoss: Tensor { get }
}

extension TokenRows {
  /// The tokens, and how many of each row are no padding.
  var items: [SafetensorsFile.Item] {
    [.init("ids", ids), .init("lengths", Indices(keys.map { Int32($0.count) }))]
  }
}

extension ImageClassifier: ContractModel {
  /// Pictures of random numbers.
  private func pixels(_ count: Int, seed: UInt64) -> PixelBatch {
    guard let images = configuration.images else { preconditionFailure("no pictures") }
    let shape = [count, images.channels, images.height, images.width]
    var random = SeededRandom(seed)
    return PixelBatch(random.tensor(shape, in: -1...1).array, shape: shape)
  }
  var sampleItems: [SafetensorsFile.Item] { [.init("pixel_values", pixels(3, seed: 7).tensor)] }
  var sample: Tensor { withoutGradients { self(pixels(3, seed: 7)) } }
  var sampleLoss: Tensor {
    // More than a few steps can learn by heart, as above.
    let labels: [Int32] = (Int32(0)..<24).map { row in (row * row + row / 3) % 3 }
    return loss(ImageClassificationBatch(pixels(24, seed: 8), labels: labels))
  }
}

extension SequenceClassifier: ContractModel {
  var sampleItems: [SafetensorsFile.Item] { sampleRows.items }
  /// Some rows, of which others than the first have padding.
  var sampleRows: TokenRows {
    let size = Int32(configuration.vocabularySize)
    // Without the token of padding, from which RoBERTa would count positions.
    let ids = (0..<24).map { 2 + Int32($0 * 5 + 3) % (size - 2) }
    return TokenRows(ids: Indices(ids, shape: [3, 8]), keys: [0..<8, 0..<6, 0..<7])
  }
  var sample: Tensor { withoutGradients { self(sampleRows) } }
  var sampleLoss: Tensor {
    // More than a few steps can learn by heart: a loss near nothing has no slope to measure.
    let size = Int32(configuration.vocabularySize) - 2
    let ids: [Int32] = (Int32(0)..<96).map { place in
      let mixed: Int32 = place * place * 7 + place / 8
      return 2 + mixed % size
    }
    let keys: [Range<Int>] = (0..<12).map { row in 0..<8 - row % 3 }
    let labels: [Int32] = (Int32(0)..<12).map { row in (row * row + row / 3) % 3 }
    let rows = TokenRows(ids: Indices(ids, shape: [12, 8]), keys: keys)
    return loss(ClassificationBatch(rows, labels: labels))
  }
}

extension MaskedLM: ContractModel {}
extension TokenClassifier: ContractModel {}

extension ContractModel where Self: TokenScorer {
  var sampleItems: [SafetensorsFile.Item] { sampleRows.items }
  var sampleRows: TokenRows {
    let size = Int32(configuration.vocabularySize)
    let ids = (0..<24).map { 2 + Int32($0 * 5 + 3) % (size - 2) }
    return TokenRows(ids: Indices(ids, shape: [3, 8]), keys: [0..<8, 0..<6, 0..<7])
  }
  var sample: Tensor { withoutGradients { self(sampleRows) } }
  var sampleLoss: Tensor {
    let rows = sampleRows
    let labels = rows.keys.flatMap { keys in
      (0..<8).map { keys.contains($0) ? Int32($0 * $0 % scoreCount) : TokenBatch.ignored }
    }
    return loss(TokenLabelBatch(rows, labels: Indices(labels, shape: [3, 8])))
  }
}

extension CausalLM: ContractModel {
  var sampleLoss: Tensor { loss(batch) }
  var sampleItems: [SafetensorsFile.Item] { sampleRows.items }

  /// Some rows, of which others than the first have padding.
  var sampleRows: TokenRows {
    let size = Int32(configuration.vocabularySize)
    let ids = (0..<16).map { Int32($0 * 5 + 3) % size }
    return TokenRows(ids: Indices(ids, shape: [2, 8]), keys: [0..<8, 0..<6])
  }

  /// The logits of two rows, the second with padding.
  var sample: Tensor {
    let rows = sampleRows
    return withoutGradients { self(rows.ids, keys: rows.keys) }
  }

  /// A batch whose loss can be lowered.
  var batch: TokenBatch {
    let size = Int32(configuration.vocabularySize)
    let ids = Indices((0..<20).map { Int32($0 * 7 + 1) % size }, shape: [2, 10])
    return TokenBatch(ids: ids, keys: [0..<10, 0..<8], labels: ids)
  }
}

extension AdapterHost {
  /// The bits of every parameter of the base.
  var bits: [String: [UInt32]] {
    Dictionary(
      uniqueKeysWithValues: walk(includingAdapters: false).parameters.map {
        ($0.path, $0.parameter.value.array.map(\.bitPattern))
      })
  }

  /// The names of the layers whose slots are filled.
  var filledSlots: [String] {
    walk.modules.filter {
      ($0.module as? Linear)?.adapter != nil || ($0.module as? Embedding)?.adapter != nil
        || ($0.module as? SelfAttention)?.adapter != nil
        || ($0.module as? any PromptTarget)?.adapter != nil
    }.map(\.path)
  }
}

extension Adapter {
  /// Gives every parameter random numbers, as if it had been trained.
  func randomize(_ seed: UInt64 = 5, _ size: Float = 0.2) {
    var random = SeededRandom(seed)
    for parameter in parameters {
      let noise = random.tensor(parameter.shape, in: -size...size)
      parameter.value = withoutGradients { parameter.value + noise }
    }
  }
}

extension Tensor {
  /// The bits of every element.
  var bits: [UInt32] { array.map(\.bitPattern) }
  /// Whether the elements differ by at most a share of the largest; by no bit where that is 0.
  func isClose(to other: Tensor, within tolerance: Double) -> Bool {
    if tolerance == 0 { return bits == other.bits }
    let limit = Float(tolerance) * other.largest
    return zip(array, other.array).allSatisfy { abs($0 - $1) <= limit }
  }
  /// The largest element without its sign.
  var largest: Float { array.reduce(0) { max($0, abs($1)) } }
}

/// Fails unless `body` throws an `AdapterError`, which it returns.
@discardableResult
func expectAdapterError<Result>(
  _ message: String = "", file: StaticString = #filePath, line: UInt = #line,
  _ body: () throws -> Result
) -> AdapterError? {
  do {
    _ = try body()
    XCTFail("\(message) no error", file: file, line: line)
  } catch let error as AdapterError {
    return error
  } catch { XCTFail("\(message) \(error)", file: file, line: line) }
  return nil
}

extension AdapterError {
  /// The kind, and the setting, module or adapter that it names.
  var label: String {
    switch self {
    case .deadPatterns(let setting, _, _): "deadPatterns \(setting)"
    case .invalidPattern(let setting, _, _): "invalidPattern \(setting)"
    case .nothingSelected: "nothingSelected"
    case .notAdaptable(let module, _): "notAdaptable \(module)"
    case .invalidSetting(let setting, _, _): "invalidSetting \(setting)"
    case .nameTaken(let name): "nameTaken \(name)"
    case .unknownAdapter(let name, _): "unknownAdapter \(name)"
    case .conflict: "conflict"
    case .notFinite(_, let parameter): "notFinite \(parameter)"
    case .wrongState: "wrongState"
    case .doesNotFit: "doesNotFit"
    case .otherBase: "otherBase"
    case .otherOutput: "otherOutput"
    case .file(let error): "file \(error)"
    }
  }
}
