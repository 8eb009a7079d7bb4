import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON

/// `peft inspect`.
enum InspectCommand: Command {
  static let usage = Usage(
    name: "inspect", summary: "Show what a model or adapter folder holds.",
    discussion:
      "Reads configurations and the headers of safetensors files only, so it works for any "
      + "architecture and any size.",
    options: [
      Option(
        "path", "PATH", default: "the built-in model",
        "A model folder, an adapter folder, or a safetensors file."),
      Option(switch: "tensors", "List every tensor."),
      .json,
    ],
    example: "peft inspect adapter --tensors", positional: "path")

  private static let modelFields = [
    "model_type", "vocab_size", "hidden_size", "n_embd", "num_hidden_layers", "n_layer",
    "num_attention_heads", "n_head", "num_key_value_heads", "intermediate_size",
    "max_position_embeddings", "n_positions", "tie_word_embeddings", "image_size", "patch_size",
    "num_channels",
  ]
  private static let adapterFields = [
    "peft_type", "task_type", "base_model_name_or_path", "r", "lora_alpha", "lora_dropout",
    "target_modules", "modules_to_save", "bias", "use_rslora", "use_dora", "init_lora_weights",
    "rank_pattern", "alpha_pattern",
  ]

  /// A value on one line; a long list of module paths by the last names in it.
  private static func text(_ value: JSON) -> String {
    let paths = value.elements?.compactMap(\.string) ?? []
    if paths.count > 8 {
      let names = Set(paths.map { $0.split(separator: ".").last.map(String.init) ?? $0 })
      return "\(names.sorted().joined(separator: ", ")) (\(paths.count) modules)"
    }
    return value.string ?? value.text(.compact)
  }

  static func run(_ arguments: Arguments) throws {
    let path = try arguments.string("path") ?? ModelFolder.builtInPath()
    let content = try FolderContent(path)
    let fields =
      (content.kind == .adapter ? adapterFields : modelFields).compactMap { name in
        content.configuration?.value(name).map { JSON.Member(name, $0) }
      }
    Console.print("\(path): \(content.kind.rawValue)")
    for field in fields {
      Console.print("  \(field.name.padded(to: 26)) \(text(field.value))")
    }
    let dtypes = content.dtypes.map { "\($0.count) \($0.dtype.rawValue)" }
    Console.print(
      "  \("tensors".padded(to: 26)) \(content.entries.count) in \(content.fileCount) "
        + "\(content.fileCount == 1 ? "file" : "files") (\(dtypes.joined(separator: ", ")))")
    Console.print("  \("parameters".padded(to: 26)) \(content.parameterCount.grouped)")
    Console.print("  \("bytes".padded(to: 26)) \(content.byteCount.grouped)")
    let report = content.kind == .file ? nil : FolderReport(path)
    let base = report?.savedFor ?? report?.base
    if let base {
      let label = content.kind == .adapter ? "saved for" : "fingerprint"
      Console.print("  \(label.padded(to: 26)) \(base)")
    }
    for problem in report?.problems ?? [] {
      Console.print("  \(problem.severity.rawValue.padded(to: 26)) \(problem.message)")
    }
    if arguments.isOn("tensors") {
      let width = content.entries.map(\.name.count).max() ?? 0
      for entry in content.entries {
        Console.print("  \(entry.name.padded(to: width))  \(entry.dtype.rawValue)  \(entry.shape)")
      }
    }
    if arguments.isOn("json") {
      Console.result([
        .init("path", .string(path)), .init("kind", .string(content.kind.rawValue)),
        .init("configuration", .object(fields)),
        .init("tensors", .integer(content.entries.count)),
        .init("files", .integer(content.fileCount)),
        .init("parameters", .integer(content.parameterCount)),
        .init("bytes", .integer(content.byteCount)),
        .init("fingerprint", base.map { .string($0.id) } ?? .null),
        .init("problems", .array((report?.problems ?? []).map { .string($0.message) })),
        .init(
          "dtypes",
          .object(content.dtypes.map { .init($0.dtype.rawValue, .integer($0.count)) })),
      ])
    }
  }
}
