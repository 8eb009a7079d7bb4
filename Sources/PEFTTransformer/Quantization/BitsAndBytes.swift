import PEFTCheckpoints
import PEFTJSON
import PEFTTensor

/// The field `quantization_config` of `config.json`, for weights in bitsandbytes' four or eight bits.
enum BitsAndBytes {
  /// The name of the field.
  static let field = "quantization_config"

  /// Fields that say how a Python process works with the weights, not what they are.
  ///
  /// Which modules are quantised is seen from the tensors.
  private static let harmless = [
    "_load_in_4bit", "_load_in_8bit", "bnb_4bit_compute_dtype", "bnb_4bit_quant_storage",
    "bnb_4bit_use_double_quant", "llm_int8_enable_fp32_cpu_offload", "llm_int8_has_fp16_weight",
    "llm_int8_skip_modules", "llm_int8_threshold",
  ]

  /// Refuses a quantisation that is not known.
  ///
  /// - Throws: `unsupportedField` or `invalidField` with the name of the setting.
  static func check(_ file: ConfigurationFile) throws(CheckpointError) {
    guard let settings = try file.object(field) else { return }
    guard try settings.string("quant_method", default: "bitsandbytes") == "bitsandbytes" else {
      throw settings.unsupported("quant_method", hint: "only bitsandbytes is supported")
    }
    let isEightBit = try settings.bool("load_in_8bit", default: false)
    guard try settings.bool("load_in_4bit", default: !isEightBit) != isEightBit else {
      throw settings.unsupported(
        "load_in_4bit", hint: "it must be four or eight bits, and is both or neither")
    }
    let code = try settings.string("bnb_4bit_quant_type", default: "fp4")
    guard FourBitCode(rawValue: code) != nil else {
      throw settings.invalid(
        "bnb_4bit_quant_type", expected: "\"nf4\" or \"fp4\"", found: "\"\(code)\"")
    }
    settings.ignore(harmless)
  }

  /// What the weights of a folder are kept in.
  enum Kind: Equatable {
    case fourBit(FourBitCode, isDoubleQuantized: Bool)
    case eightBit
  }

  /// The field for a folder with quantised weights.
  ///
  /// - Parameters:
  ///   - kind: what they are kept in.
  ///   - skipped: the paths of linear layers that are not quantised.
  /// - Returns: an object as Transformers writes it.
  static func json(_ kind: Kind, skipped: [String]) -> JSON {
    var (code, isDoubleQuantized) = (FourBitCode.fp4, false)
    if case .fourBit(let own, let isDouble) = kind { (code, isDoubleQuantized) = (own, isDouble) }
    let isEightBit = kind == .eightBit
    return .object([
      .init("_load_in_4bit", .bool(!isEightBit)),
      .init("_load_in_8bit", .bool(isEightBit)),
      .init("bnb_4bit_compute_dtype", .string("float32")),
      .init("bnb_4bit_quant_storage", .string("uint8")),
      .init("bnb_4bit_quant_type", .string(code.rawValue)),
      .init("bnb_4bit_use_double_quant", .bool(isDoubleQuantized)),
      .init("llm_int8_enable_fp32_cpu_offload", .bool(false)),
      .init("llm_int8_has_fp16_weight", .bool(false)),
      .init("llm_int8_skip_modules", .array(skipped.map(JSON.string))),
      .init("llm_int8_threshold", .number(6)),
      .init("load_in_4bit", .bool(!isEightBit)),
      .init("load_in_8bit", .bool(isEightBit)),
      .init("quant_method", .string("bitsandbytes")),
    ])
  }
}

/// A weight that has a form in checkpoints of bitsandbytes.
protocol BitsAndBytesWeight: WeightStorage {
  /// What it is for `config.json`.
  var kind: BitsAndBytes.Kind { get }

  /// What is written for this weight.
  ///
  /// - Parameters:
  ///   - name: that of the weight.
  ///   - dtype: what Python gets from it, as in `config.json`.
  /// - Returns: one item for each tensor.
  func items(_ name: String, dtype: String) -> [SafetensorsFile.Item]
}
