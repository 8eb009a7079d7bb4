import Foundation
import PEFT
import PEFTJSON

/// Every reader that is given damaged files.
enum Readers {
  private typealias Make = @Sendable (Scratch) throws -> FuzzedReader

  private static let all: [(name: String, make: Make)] = [
    ("safetensors", safetensors), ("json", json), ("config", config), ("tokenizer", tokenizer),
    ("template", template), ("jsonl", jsonLines), ("json-array", jsonArray), ("csv", csv),
    ("tsv", tsv), ("text", text), ("idx", idx), ("gguf", gguf),
  ]

  /// What they are called.
  static let names = all.map(\.name)

  /// The reader of a name; nil where there is none.
  static func make(_ name: String, _ scratch: Scratch) throws -> FuzzedReader? {
    try all.first { $0.name == name }?.make(scratch)
  }

  static func fixture(_ name: String) throws -> [UInt8] {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    return Array(try Data(contentsOf: folder.appendingPathComponent("../Fixtures/\(name)")))
  }

  static let jsonWords = [
    "\"", "\\", "\\u0041", "\\ud83d", "{", "}", "[", "]", ",", ":", "null", "1e309", "-0",
    "\u{FEFF}",
    "\n", "\0", "\u{1F600}", "e\u{301}", "[[[[[[[[[[[[[[[[", "{\"a\":{\"a\":{\"a\":",
  ]

  private static func safetensors(_ scratch: Scratch) throws -> FuzzedReader {
    let header =
      #"{"a":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]},"#
      + #""b":{"dtype":"BF16","shape":[],"data_offsets":[0,2]},"#
      + #""c":{"dtype":"I64","shape":[2],"data_offsets":[2,18]},"__metadata__":{"format":"pt"}}"#
    let length = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Array($0) }
    return FuzzedReader(
      name: "safetensors",
      seeds: [
        [length + Array(header.utf8) + Array(repeating: 1, count: 18)],
        [try fixture("Checkpoints/every_dtype.safetensors")],
      ], structure: .safetensors,
      words: jsonWords + ["F32", "F16", "BF16", "I64", "BOOL", "F8_E4M3", "\"data_offsets\":"]
    ) { parts in
      let path = scratch.write("file.safetensors", parts[0])
      do throws(CheckpointError) {
        let file = try SafetensorsFile(path: path)
        for entry in file.entries {
          _ = try file.bytes(entry.name).count
          if entry.dtype.isReal {
            _ = try file.tensor(entry.name).array.count
          } else {
            _ = try? file.indices(entry.name)
          }
        }
        return true
      } catch { return false }
    }
  }

  private static func json(_ scratch: Scratch) throws -> FuzzedReader {
    let text =
      #"{"a": [1, -2.5e3, "x\n\u00e9\ud83d\ude00", null, true], "b": {"": {}}, "#
      + #""c": 9007199254740993}"#
    return FuzzedReader(
      name: "json", seeds: [[Array(text.utf8)], [try fixture("Models/llama/config.json")]],
      structure: .json, words: jsonWords
    ) { parts in
      guard let json = try? JSON(parsing: parts[0]) else { return false }
      let again = try JSON(parsing: Array(json.text(.indented).utf8))
      if again != json { throw Difference() }
      return true
    }
  }

  /// What was read, written and read again is something else.
  struct Difference: Error {}

  private static func config(_ scratch: Scratch) throws -> FuzzedReader {
    let names = [
      "bert", "distilbert", "roberta", "gpt2", "llama", "llama-llama3", "llama-dynamic", "mistral",
      "qwen2", "qwen2-window", "nf4-llama",
    ]
    return FuzzedReader(
      name: "config", seeds: try names.map { [try fixture("Models/\($0)/config.json")] },
      structure: .json,
      words: jsonWords + [
        "\"llama\"", "\"gpt2\"", "\"bert\"", "\"rope_type\":\"yarn\"", "\"quantization_config\":{}",
        "\"sliding_window\":0",
      ]
    ) { parts in
      let path = scratch.write("config.json", parts[0])
      do throws(CheckpointError) {
        _ = try TransformerConfiguration(path: path)
        return true
      } catch { return false }
    }
  }

  private static func idx(_ scratch: Scratch) throws -> FuzzedReader {
    FuzzedReader(
      name: "idx",
      seeds: [
        [
          [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3] + Array(1...12),
          [0, 0, 8, 1, 0, 0, 0, 2, 4, 1],
        ]
      ], structure: .idx, words: ["\0", "\0\0\0\u{1}", "\u{1F}\u{8B}", "\u{8}\u{3}"]
    ) { parts in
      let paths = [scratch.write("images", parts[0]), scratch.write("labels", parts[1])]
      do throws(DataError) {
        for path in paths {
          let file = try IDXFile(path: path)
          _ = try file.rows(max(0, file.count - 1)..<file.count)
        }
        let images = try IDXImages(images: paths[0], labels: paths[1])
        _ = try images.image(at: images.count - 1)
        return true
      } catch { return false }
    }
  }

  private static func gguf(_ scratch: Scratch) throws -> FuzzedReader {
    let names = ["adapter_config.json", "adapter_model.safetensors"]
    let model = try CausalLM(
      directory: URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../Fixtures/Models/llama").standardizedFileURL.path)
    let folder = "\(scratch.path)/adapter"
    let seeds = try [LoRA(rank: 1, alpha: 2), LoRA(rank: 2, alpha: 4, targets: .allLinear)].map {
      let adapter = try model.attach($0)
      try adapter.save(to: folder)
      try model.detach(adapter.name)
      return try names.map {
        Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")))
      }
    }
    return FuzzedReader(
      name: "gguf", seeds: seeds, structure: .safetensors,
      words: jsonWords + [
        "\"r\":", "\"DORA\"", "\"lora_alpha\":0", "\"all-linear\"", "\"ADALORA\"", "\"IA3\"",
        "\"rank_pattern\":{\"q_proj\":3}", "F16", "lora_A", "base_model.model.",
      ]
    ) { parts in
      for (name, bytes) in zip(names, parts) { _ = scratch.write("adapter/\(name)", bytes) }
      defer { for name in model.adapters.names { try? model.detach(name) } }
      do throws(AdapterError) {
        let adapter = try model.loadAdapter(folder, mode: .lenient)
        try adapter.exportGGUF(to: "\(scratch.path)/adapter.gguf")
        return true
      } catch { return false }
    }
  }
}
