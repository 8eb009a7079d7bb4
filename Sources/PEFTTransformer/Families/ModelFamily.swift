import PEFTCheckpoints
import PEFTTensor

/// What distinguishes the checkpoints of one model family: how `config.json` reads, and what may stand beside the weights.
protocol ModelFamily {
  /// The values of `model_type` that it answers to.
  static var modelTypes: [String] { get }
  /// Tensors of a checkpoint that are no weights, as buffers that old versions saved.
  static func isBuffer(_ name: String) -> Bool
  /// The configuration; reads every field that changes the maths.
  static func configuration(
    _ file: ConfigurationFile
  ) throws(CheckpointError) -> TransformerConfiguration
}

/// The families that can be loaded.
enum ModelFamilies {
  static var all: [any ModelFamily.Type] { [GPT2.self, Llama.self] }

  /// Fields that every family may have and that do not change what a forward pass computes.
  static let harmless = [
    "_name_or_path", "architectures", "model_type", "torch_dtype", "dtype", "transformers_version",
    "use_cache", "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id",
    "decoder_start_token_id",
    "initializer_range", "task_specific_params", "id2label", "label2id", "num_labels",
    "problem_type",
    "tokenizer_class", "prefix", "return_dict", "output_hidden_states", "output_attentions",
    "torchscript", "use_bfloat16", "pruned_heads", "chunk_size_feed_forward", "is_encoder_decoder",
    "finetuning_task", "max_length", "min_length", "do_sample", "early_stopping", "num_beams",
    "num_beam_groups", "diversity_penalty", "temperature", "top_k", "top_p", "typical_p",
    "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size",
    "bad_words_ids", "num_return_sequences", "output_scores", "return_dict_in_generate",
    "forced_bos_token_id", "forced_eos_token_id", "remove_invalid_values",
    "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens", "auto_map",
    "pretraining_tp", "cross_attention_hidden_size", "is_decoder", "tf_legacy_loss",
    "tie_encoder_decoder", "attn_implementation", "_attn_implementation",
  ]

  static func family(
    of file: ConfigurationFile
  ) throws(CheckpointError) -> any ModelFamily.Type {
    let type = try file.string("model_type")
    guard let family = all.first(where: { $0.modelTypes.contains(type) }) else {
      throw .unsupportedField(
        path: file.path, field: "model_type", value: type,
        hint: "supported are \(all.flatMap { $0.modelTypes }.sorted().joined(separator: ", "))")
    }
    return family
  }
}

extension ConfigurationFile {
  /// Reads a field that must have this value, or be absent, since another would change the maths.
  func require(_ field: String, toBe value: Bool) throws(CheckpointError) {
    if try bool(field, default: value) != value {
      throw .unsupportedField(
        path: path, field: field, value: "\(!value)", hint: "only \(value) is supported")
    }
  }

  /// The activation that a field names.
  func activation(_ field: String, default name: String) throws(CheckpointError) -> Activation {
    let name = try string(field, default: name)
    switch name {
    case "gelu": return .gelu
    case "gelu_new", "gelu_pytorch_tanh", "gelu_fast": return .geluTanh
    case "silu", "swish": return .silu
    case "relu": return .relu
    case "tanh": return .tanh
    default:
      throw .unsupportedField(
        path: path, field: field, value: name,
        hint: "supported are gelu, gelu_new, gelu_pytorch_tanh, silu, relu, tanh")
    }
  }

  /// A number that must be positive.
  func positive(_ field: String, default value: Int? = nil) throws(CheckpointError) -> Int {
    let number = try integer(field, default: value)
    guard number > 0, number < 1 << 31 else {
      throw .invalidField(
        path: path, field: field, expected: "a positive 32-bit number", found: "\(number)")
    }
    return number
  }
}
