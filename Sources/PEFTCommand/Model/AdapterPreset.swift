import PEFTAdapters
import PEFTJSON

/// A word for a method with some of its settings chosen.
struct AdapterPreset {
  /// The word.
  let name: String
  /// The method, as in files.
  let type: String
  /// What is chosen of the fields of a file.
  var fields: [JSON.Member] = []
  /// What is chosen of LoRA and not written into files.
  var change: (@Sendable (inout LoRA) -> Void)?
  /// How much faster the second matrices learn than the first where nothing else is said; nil for as fast.
  var ratio: Double?

  /// All of them.
  static let all: [AdapterPreset] = [
    .init(name: "rslora", type: "LORA", fields: [.init("use_rslora", .bool(true))]),
    .init(name: "dora", type: "LORA", fields: [.init("use_dora", .bool(true))]),
    .init(name: "pissa", type: "LORA", fields: [.init("init_lora_weights", .string("pissa"))]),
    .init(name: "olora", type: "LORA", fields: [.init("init_lora_weights", .string("olora"))]),
    .init(name: "lora-fa", type: "LORA", change: { $0.freezesA = true }),
    // The ratio that the paper's authors advise (arXiv 2402.12354).
    .init(name: "lora-plus", type: "LORA", ratio: 16),
    .init(name: "houlsby", type: "BOTTLENECK", fields: [.init("placement", .string("houlsby"))]),
    .init(name: "pfeiffer", type: "BOTTLENECK", fields: [.init("placement", .string("pfeiffer"))]),
  ]

  /// The preset of a name; nil where it is none.
  static func named(_ name: String) -> AdapterPreset? { all.first { $0.name == name } }
}
