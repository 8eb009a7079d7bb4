import Foundation
import PEFTCheckpoints
import PEFTDefaultModel
import PEFTJSON
import PEFTTokenizers
import PEFTTraining
import PEFTTransformer

/// Makes the default model: a tokenizer and a decoder, both learnt from generated text.
struct Pretraining {
  /// Chooses the texts and the initial weights.
  var seed: UInt64
  /// How many optimiser steps.
  var steps: Int
  /// how many texts a step learns from.
  var batchSize = 32
  /// how many texts the tokenizer learns from.
  var vocabularyTexts = 20_000

  private static let tokens = 1024
  private static let heldOutTexts = 200
  private static let learningRate = 3e-3

  /// What came out.
  struct Outcome {
    var parameters: Int
    var heldOutLoss: Double
    var seconds: Double
  }

  /// Writes `config.json`, `tokenizer.json` and, in bfloat16, `model.safetensors`.
  ///
  /// The same seed and steps give the same bytes on the same machine with the same number of threads.
  func run(into folder: String) throws -> Outcome {
    try makeFolder(folder)
    try writeTokenizer("\(folder)/tokenizer.json")
    let tokenizer = try Tokenizer(file: "\(folder)/tokenizer.json")
    let configuration = "\(folder)/config.json"
    try atomicallyWrite(Self.configuration(tokenizer.vocabularySize), to: configuration)
    let model = try CausalLM(
      TransformerConfiguration(path: configuration), from: RandomParameters(seed: seed))
    let encoder = ExampleEncoder(
      tokenizer, beginning: 0, end: 0, addsSpecialTokens: false, maximumLength: 256)
    let start = ContinuousClock.now
    try train(model, tokenizer)
    let seconds = (ContinuousClock.now - start).seconds
    try model.save(to: folder, as: .bfloat16)
    // `save` writes a configuration without the tokens around a text.
    try atomicallyWrite(Self.configuration(tokenizer.vocabularySize), to: configuration)
    let written = try CausalLM(directory: folder)
    let heldOut = try Evaluation(written, examples(Self.heldOutTexts, seed: ~seed, encoder))
    return Outcome(
      parameters: model.parameterCount(), heldOutLoss: heldOut.loss, seconds: seconds)
  }

  private func train(_ model: CausalLM, _ tokenizer: Tokenizer) throws {
    var texts = BaseText(seed: seed)
    var splitter = WordSplitter(tokenizer, seed: seed)
    let examples = (0..<steps * batchSize).map { _ in
      TrainingExample(ids: [0] + splitter.encode(texts.next()) + [0])
    }
    let batches = TokenBatches(
      examples, batchSize: batchSize,
      order: .shuffled(seed: seed), groupsLengths: true)
    let trainer = Trainer(
      model,
      optimizer: AdamW(
        model.parameters(.trainable), learningRate: Self.learningRate, betas: (0.9, 0.95),
        weightDecay: 0.1),
      schedule: .cosine(warmup: min(100, steps / 10), minimum: 0.02),
      settings: TrainerSettings(duration: .steps(steps), maximumGradientNorm: 1))
    let view = TrainingView("pre-training")
    try trainer.run(batches) { event in
      view.show(event)
      return true
    }
  }

  /// Texts as tokens; every one of them counts.
  private func examples(
    _ count: Int, seed: UInt64, _ encoder: ExampleEncoder
  ) -> [TrainingExample] {
    var texts = BaseText(seed: seed)
    return (0..<count).compactMap { _ in encoder.encode(.text(texts.next())).example }
  }

  private func writeTokenizer(_ path: String) throws {
    var texts = BaseText(seed: seed)
    var text = ""
    for _ in 0..<vocabularyTexts { text += texts.next() + "\n" }
    let trainer = BytePairTrainer(text, tokens: Self.tokens - 1)
    try atomicallyWrite(TokenizerFile.json(trainer).text(.compact), to: path)
  }

  /// The configuration of a Llama: grouped key-value heads, a tied head, rotary positions.
  private static func configuration(_ vocabularySize: Int) -> String {
    let json = JSON.object([
      .init("architectures", .array([.string("LlamaForCausalLM")])),
      .init("attention_bias", .bool(false)), .init("bos_token_id", .integer(0)),
      .init("dtype", .string("bfloat16")), .init("eos_token_id", .integer(0)),
      .init("head_dim", .integer(32)), .init("hidden_act", .string("silu")),
      .init("hidden_size", .integer(128)), .init("initializer_range", .number(0.02)),
      .init("intermediate_size", .integer(352)), .init("max_position_embeddings", .integer(512)),
      .init("mlp_bias", .bool(false)), .init("model_type", .string("llama")),
      .init("num_attention_heads", .integer(4)), .init("num_hidden_layers", .integer(4)),
      .init("num_key_value_heads", .integer(2)), .init("rms_norm_eps", .number(1e-5)),
      .init("rope_theta", .number(10_000)), .init("tie_word_embeddings", .bool(true)),
      .init("vocab_size", .integer(vocabularySize)),
    ])
    return json.text(.indented) + "\n"
  }
}
