import PEFTCheckpoints
import PEFTJSON

/// The field `quantization_config` of `config.json`, for weights in bitsandbytes' NF4.
enum BitsAndBytes {
  /// The name of the field.
  static let field = "quantization_config"

  /// Fields that say how a Python process works with the weights, not what they are.
  ///
  /// Which modules are in four bits is seen from the tensors.
  private static let harmless = [
    "_load_in_4bit", "_load_in_8bit", "bnb_4bit_compute_dtype", "bnb_4bit_quant_storage",
    "bnb_4bit_use_double_quant", "llm_int8_enable_fp32_cpu_offload", "llm_int8_has_fp16_weight",
    "llm_int8_skip_modules", "llm_int8_threshold",
  ]

  /// Refuses a quantisation other than NF4.
  ///
  /// - Throws: `unsupportedField` or `invalidField` with the name of the setting.
  static func check(_ file: ConfigurationFile) throws(CheckpointError) {
    guard let settings = try file.object(field) else { return }
    guard try settings.string("quant_method", default: "bitsandbytes") == "bitsandbytes" else {
      throw settings.unsupported("quant_method", hint: "only bitsandbytes is supported")
    }
    if try settings.bool("load_in_8bit", default: false) {
      throw settings.unsupported("load_in_8bit", hint: "only four bits are supported")
    }
    guard try settings.bool("load_in_4bit", default: true) else {
      throw settings.unsupported("load_in_4bit", hint: "only four bits are supported")
    }
    guard try settings.string("bnb_4bit_quant_type", default: "fp4") == "nf4" else {
      throw settings.invalid(
        "bnb_4bit_quant_type", expected: "\"nf4\"",
        found: try settings.optionalString("bnb_4bit_quant_type").map { "\"\($0)\"" }
          ?? "absent, which means \"fp4\"")
    }
    settings.ignore(harmless)
  }

  /// The field for a folder with NF4 weights.
  ///
  /// - Parameters:
  ///   - isDoubleQuantized: whether scales are quantised.
  ///   - skipped: the paths of linear layers that are not in four bits.
  /// - Returns: an object as Transformers writes it.
  static func json(isDoubleQuantized: Bool, skipped: [String]) -> JSON {
    .object([
      .init("_load_in_4bit", .bool(true)),
      .init("_load_in_8bit", .bool(false)),
      .init("bnb_4bit_compute_dtype", .string("float32")),
      .init("bnb_4bit_quant_storage", .string("uint8")),
      .init("bnb_4bit_quant_type", .string("nf4")),
      .init("bnb_4bit_use_double_quant", .bool(isDoubleQuantized)),
      .init("llm_int8_enable_fp32_cpu_offload", .bool(false)),
      .init("llm_int8_has_fp16_weight", .bool(false)),
      .init("llm_int8_skip_modules", .array(skipped.map(JSON.string))),
      .init("llm_int8_threshold", .number(6)),
      .init("load_in_4bit", .bool(true)),
      .init("load_in_8bit", .bool(false)),
      .init("quant_method", .string("bitsandbytes")),
    ])
  }
}
