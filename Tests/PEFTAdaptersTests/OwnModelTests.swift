import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// A model that a user of the package wrote.
final class OwnModelTests: XCTestCase {
  /// A table of words, averaged, and two layers above it.
  private final class BagOfWords: AdapterHost {
    let words: Embedding
    let hidden: Linear
    let classes: Linear
    let adapters = AdapterRegistry()

    var outputHead: Linear? { classes }
    var members: Members { ["words": words, "body.hidden": hidden, "classes": classes] }

    init(seed: UInt64) {
      var random = SeededRandom(seed)
      words = Embedding(weight: Parameter(random.tensor([20, 6])))
      hidden = Linear(
        weight: Parameter(random.tensor([8, 6])), bias: Parameter(random.tensor([8])))
      classes = Linear(weight: Parameter(random.tensor([3, 8])))
    }

    func callAsFunction(_ ids: Indices, dropout: DropoutKeys? = nil) -> Tensor {
      let context = ForwardContext(dropout: dropout)
      return classes(hidden(words(ids, context), context).activated(.tanh), context)
    }

    func probeOutput() -> Tensor {
      withoutGradients { self(Indices([1, 5, 19], shape: [3])) }
    }
  }

  func testAnOwnModelIsAdapted() throws {
    let model = BagOfWords(seed: 1)
    let before = model.probeOutput()
    let plan = try LoRA(rank: 2, targets: .allLinear).plan(model)
    XCTAssertEqual(plan.matches.map(\.path), ["body.hidden"])
    var method = LoRA(rank: 2, targets: .names(["hidden", "words"]))
    method.modulesToSave = ["classes"]
    method.bias = .loraOnly
    let adapter = try model.attach(method)
    XCTAssertEqual(model.probeOutput().bits, before.bits)
    let (ids, labels) = (Indices([1, 5, 19], shape: [3]), Indices([0, 1, 2], shape: [3]))
    let optimizer = AdamW(
      [ParameterGroup(model.parameters(.trainable))], learningRate: 0.05, weightDecay: 0)
    var losses: [Float] = []
    for _ in 0..<20 {
      let loss = model(ids).crossEntropy(labels)
      loss.backward()
      optimizer.step()
      losses.append(loss.item)
    }
    XCTAssertLessThan(losses[19], 0.5 * losses[0])
    let adapted = model.probeOutput()
    XCTAssertEqual(model.withoutAdapters { model.probeOutput() }.bits, before.bits)

    try Files.withTemporaryFolder { folder in
      try adapter.save(to: folder.path)
      let file = try SafetensorsFile(path: folder.path + "/adapter_model.safetensors")
      XCTAssertEqual(
        file.names.sorted(),
        [
          "body.hidden.base_layer.bias", "body.hidden.lora_A.weight", "body.hidden.lora_B.weight",
          "classes.weight", "words.lora_embedding_A", "words.lora_embedding_B",
        ].map { "base_model.model." + $0 })
      let other = BagOfWords(seed: 1)
      try other.loadAdapter(folder.path)
      XCTAssertEqual(other.probeOutput().bits, adapted.bits)
      let report = try other.merge()
      XCTAssertLessThan(report.relativeDifference, 1e-5)
      try other.unmerge()
      try other.detach("default")
      XCTAssertEqual(other.probeOutput().bits, before.bits)
    }
  }

  func testTheUsualTargetsNeedAFamily() throws {
    let error = expectAdapterError("") { try LoRA().plan(BagOfWords(seed: 1)) }
    XCTAssertEqual(error?.label, "invalidSetting target_modules")
  }
}
