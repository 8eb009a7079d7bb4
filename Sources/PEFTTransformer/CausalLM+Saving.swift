public import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor

extension CausalLM {
  /// Writes a Hugging Face model folder with the weights as they are now; adapters that are not merged are left out.
  ///
  /// `config.json` is that of the folder the model was loaded from, with the element type; other files of that folder, as the
  /// tokenizer's, are for the caller to copy. Saving twice gives the same bytes.
  ///
  /// - Parameters:
  ///   - folder: is made where it does not exist.
  ///   - dtype: `.float32`, `.bfloat16` or `.float16`.
  ///   - maximumShardBytes: the most bytes of tensors in a file.
  /// - Throws: `CheckpointError` where something cannot be written.
  public func save(
    to folder: String, as dtype: DType = .float32, maximumShardBytes: Int = 5_000_000_000
  ) throws(CheckpointError) {
    try makeFolder(folder)
    let parameters = walk(includingAdapters: false).parameters
    try Checkpoint.write(
      parameters.map { .init($0.path, $0.parameter.value, as: dtype) }, folder: folder,
      maximumShardBytes: maximumShardBytes)
    let json = origin?.json ?? configuration.json
    let name = dtype == .bfloat16 ? "bfloat16" : dtype == .float16 ? "float16" : "float32"
    let members = (json.members ?? []).filter { !["dtype", "torch_dtype"].contains($0.name) }
    try atomicallyWrite(
      JSON.object(members + [.init("dtype", .string(name))]).sorted.text(.indented) + "\n",
      to: "\(folder)/config.json")
  }
}

extension TransformerConfiguration {
  /// `config.json` of a model that was made new.
  var json: JSON {
    var members: [JSON.Member] = []
    func add(_ name: String, _ value: JSON) { members.append(.init(name, value)) }
    add("model_type", .string(modelType))
    add("vocab_size", .integer(vocabularySize))
    add("initializer_range", .number(Double("\(initializerRange)") ?? 0.02))
    add("tie_word_embeddings", .bool(hasTiedHead))
    let epsilon = JSON.number(Double("\(normEpsilon)") ?? 1e-5)
    if modelType == "gpt2" {
      add("architectures", .array([.string("GPT2LMHeadModel")]))
      add("n_embd", .integer(width))
      add("n_layer", .integer(layers))
      add("n_head", .integer(heads))
      add("n_inner", .integer(feedForwardWidth))
      add("n_positions", .integer(maximumPositions))
      add("layer_norm_epsilon", epsilon)
      add(
        "activation_function", .string(activation == .geluTanh ? "gelu_new" : activation.rawValue))
      add("embd_pdrop", .number(Double("\(dropout.embedding)") ?? 0))
      add("attn_pdrop", .number(Double("\(dropout.attention)") ?? 0))
      add("resid_pdrop", .number(Double("\(dropout.residual)") ?? 0))
      return .object(members)
    }
    let name = modelType.prefix(1).uppercased() + modelType.dropFirst()
    add("architectures", .array([.string("\(name)ForCausalLM")]))
    add("hidden_size", .integer(width))
    add("intermediate_size", .integer(feedForwardWidth))
    add("num_hidden_layers", .integer(layers))
    add("num_attention_heads", .integer(heads))
    add("num_key_value_heads", .integer(keyValueHeads))
    add("head_dim", .integer(headWidth))
    add("max_position_embeddings", .integer(maximumPositions))
    add("rms_norm_eps", epsilon)
    add("hidden_act", .string(activation == .geluTanh ? "gelu_pytorch_tanh" : activation.rawValue))
    add("attention_dropout", .number(Double("\(dropout.attention)") ?? 0))
    if modelType == "llama" {
      add("attention_bias", .bool(hasQueryKeyValueBias))
      add("mlp_bias", .bool(hasFeedForwardBias))
    } else {
      let window = slidingWindows.lazy.compactMap { $0 }.first
      add("sliding_window", window.map(JSON.integer) ?? .null)
      if modelType == "qwen2" {
        add("use_sliding_window", .bool(window != nil))
        add("max_window_layers", .integer(slidingWindows.firstIndex { $0 != nil } ?? layers))
      }
    }
    if case .rotary(let scaling) = positions {
      add("rope_theta", .number(scaling.base))
      if let json = scaling.json { add("rope_scaling", json) }
    }
    return .object(members)
  }
}

extension RotaryScaling {
  /// The object `rope_scaling`; nil where nothing is stretched.
  fileprivate var json: JSON? {
    switch kind {
    case .standard: nil
    case .linear(let factor):
      .object([.init("rope_type", .string("linear")), .init("factor", .number(factor))])
    case .dynamic(let factor):
      .object([.init("rope_type", .string("dynamic")), .init("factor", .number(factor))])
    case .llama3(let factor, let low, let high, let trained):
      .object([
        .init("rope_type", .string("llama3")), .init("factor", .number(factor)),
        .init("low_freq_factor", .number(low)), .init("high_freq_factor", .number(high)),
        .init("original_max_position_embeddings", .integer(trained)),
      ])
    }
  }
}
