package import PEFTCheckpoints
package import PEFTJSON

/// `adapter_config.json` of Hugging Face PEFT.
extension PromptTuning: StoredMethod {
  /// The settings in an `adapter_config.json`; fields that are not read are for the caller to judge.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    self.init(virtualTokens: try VirtualTokenSettings.read(file))
    modulesToSave = try VirtualTokenSettings.modulesToSave(file)
    let start = try file.string("prompt_tuning_init", default: "RANDOM")
    switch start {
    // The prompt is in the folder, whatever it started from.
    case "RANDOM", "TEXT": initialization = .random
    case "SAMPLE_VOCAB": initialization = .vocabulary
    default:
      throw .invalidField(
        path: file.path, field: "prompt_tuning_init", expected: "RANDOM, SAMPLE_VOCAB or TEXT",
        found: start)
    }
    file.ignore(["prompt_tuning_init_text", "tokenizer_kwargs", "tokenizer_name_or_path"])
  }

  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    context.promptFields(type: Self.type, virtualTokens, modulesToSave) + [
      .init(
        "prompt_tuning_init", .string(initialization == .vocabulary ? "SAMPLE_VOCAB" : "RANDOM")),
      .init("prompt_tuning_init_text", .null),
      .init("tokenizer_kwargs", .null),
      .init("tokenizer_name_or_path", .null),
    ]
  }
}
