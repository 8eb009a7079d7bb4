import PEFTCheckpoints
import PEFTJSON
import PEFTTensor

/// What distinguishes the checkpoints of one model family: how `config.json` reads, and what may stand beside the weights.
protocol ModelFamily {
  /// The values of `model_type` that it answers to.
  static var modelTypes: [String] { get }
  /// What the classes of a family in Transformers begin with.
  static func className(_ modelType: String) -> String
  /// Tensors of a checkpoint that are no weights, as buffers that old versions saved.
  static func isBuffer(_ name: String) -> Bool
  /// Tensors of heads, of which a model reads its own only.
  static func isHead(_ name: String) -> Bool
  /// The configuration; reads every field that changes the maths.
  static func configuration(
    _ file: ConfigurationFile
  ) throws(CheckpointError) -> TransformerConfiguration
  /// The fields of `config.json` that `configuration` reads, beside those that all families share.
  static func fields(_ configuration: TransformerConfiguration) -> [JSON.Member]
}

extension ModelFamily {
  /// The head of a language model and that of a classifier.
  static func isHead(_ name: String) -> Bool {
    name.hasPrefix("lm_head.") || name.hasPrefix("score.")
  }
}

extension TransformerConfiguration.ClassifierHead {
  /// The head of decoders: one map without a bias on the last token that is no padding.
  static func lastToken(padding: Int32? = nil) -> Self {
    Self(pooling: .lastToken(padding: padding), hasOutputBias: false)
  }

  /// The fields of `config.json` that say what padding is.
  var fields: [JSON.Member] {
    guard case .lastToken(let padding?) = pooling else { return [] }
    return [.init("pad_token_id", .integer(Int(padding)))]
  }
}

extension TransformerConfiguration {
  /// What its classes in Transformers begin with.
  var className: String {
    ModelFamilies.all.first { $0.modelTypes.contains(modelType) }?.className(modelType) ?? modelType
  }
}

/// The families that can be loaded.
enum ModelFamilies {
  static var all: [any ModelFamily.Type] { [GPT2.self, Llama.self, Bert.self, ViT.self] }

  /// Fields that every family may have and that do not change what a forward pass computes.
  static let harmless = [
    "_name_or_path", "architectures", "model_type", "torch_dtype", "dtype", "transformers_version",
    "use_cache", "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id",
    "decoder_start_token_id", "initializer_range", "task_specific_params", "id2label", "label2id",
    "num_labels", "_num_labels", "problem_type", "tokenizer_class", "prefix", "return_dict",
    "output_hidden_states", "output_attentions", "torchscript", "use_bfloat16",
    "chunk_size_feed_forward", "is_encoder_decoder", "finetuning_task", "max_length", "min_length",
    "do_sample", "early_stopping", "num_beams", "num_beam_groups", "diversity_penalty",
    "temperature", "top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty",
    "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "bad_words_ids", "num_return_sequences",
    "output_scores", "return_dict_in_generate", "forced_bos_token_id", "forced_eos_token_id",
    "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens",
    "begin_suppress_tokens", "auto_map", "pretraining_tp", "cross_attention_hidden_size",
    "is_decoder", "tf_legacy_loss", "tie_encoder_decoder", "attn_implementation",
    "_attn_implementation", "gradient_checkpointing", "is_llama_config", "transformers.js_config",
  ]

  static func family(
    of file: ConfigurationFile
  ) throws(CheckpointError) -> any ModelFamily.Type {
    let type = try file.string("model_type")
    guard let family = all.first(where: { $0.modelTypes.contains(type) }) else {
      throw file.unsupported(
        "model_type",
        hint: "supported are \(all.flatMap { $0.modelTypes }.sorted().joined(separator: ", "))")
    }
    return family
  }

  /// The configuration in a file, and its family.
  static func read(
    _ file: ConfigurationFile, _ loading: ModelLoading
  ) throws(CheckpointError) -> (TransformerConfiguration, any ModelFamily.Type) {
    let family = try family(of: file)
    let configuration = try family.configuration(file)
    if let pruned = try file.object("pruned_heads"), !pruned.members.isEmpty {
      throw file.unsupported("pruned_heads", hint: "pruned heads are not supported")
    }
    try BitsAndBytes.check(file)
    file.ignore(harmless)
    if loading == .strict { try file.requireAllRead() }
    return (configuration, family)
  }
}

extension ConfigurationFile {
  /// Reads a field that must have this value, or be absent, since another would change the maths.
  func require(_ field: String, toBe value: Bool) throws(CheckpointError) {
    if try bool(field, default: value) != value {
      throw unsupported(field, hint: "only \(value) is supported")
    }
  }

  /// The activation that a field names.
  func activation(_ field: String, default name: String) throws(CheckpointError) -> Activation {
    switch try string(field, default: name) {
    case "gelu", "gelu_python": return .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .geluTanh
    case "silu", "swish": return .silu
    case "relu": return .relu
    case "tanh": return .tanh
    default:
      throw unsupported(
        field, hint: "supported are gelu, gelu_new, gelu_pytorch_tanh, silu, relu, tanh")
    }
  }

  /// A number that must be positive.
  func positive(
    _ field: String, default value: Int? = nil, below limit: Int = 1 << 31
  ) throws(CheckpointError) -> Int {
    let number = try integer(field, default: value)
    guard number > 0, number < limit else {
      throw invalid(field, expected: "a number from 1 to \(limit - 1)", found: "\(number)")
    }
    return number
  }

  /// The number of blocks, with a limit: memory is taken for it before any tensor is seen.
  func layers(_ field: String, default value: Int) throws(CheckpointError) -> Int {
    try positive(field, default: value, below: 100_000)
  }

  /// A number that must be positive where it is there.
  func optionalPositive(_ field: String) throws(CheckpointError) -> Int? {
    value(field) == nil ? nil : try positive(field)
  }

  /// A number that must not be negative, as single precision.
  func nonNegative(_ field: String, default value: Double) throws(CheckpointError) -> Float {
    let number = try number(field, default: value)
    guard number >= 0, number.isFinite else {
      throw invalid(field, expected: "a number that is not negative", found: "\(number)")
    }
    return Float(number)
  }

  /// A positive factor.
  func factor(_ field: String, default value: Double? = nil) throws(CheckpointError) -> Double {
    let number = try number(field, default: value)
    guard number > 0, number.isFinite else {
      throw invalid(field, expected: "a positive number", found: "\(number)")
    }
    return number
  }

  /// The probability of dropout.
  func dropout(_ field: String, default value: Double) throws(CheckpointError) -> Float {
    let number = try number(field, default: value)
    guard number >= 0, number < 1 else {
      throw invalid(field, expected: "a probability below 1", found: "\(number)")
    }
    return Float(number)
  }

  /// Whether a field is there, be it `null`.
  func isPresent(_ field: String) -> Bool {
    members.contains { $0.name.utf8.elementsEqual(field.utf8) }
  }
}

extension JSON {
  /// A number with the fewest digits that mean this number in single precision.
  static func shortest(_ value: Float) -> JSON { .number(Double("\(value)") ?? Double(value)) }

  /// The name of an activation in Transformers.
  static func activation(_ value: Activation) -> JSON {
    .string(value == .geluTanh ? "gelu_new" : value.rawValue)
  }
}
