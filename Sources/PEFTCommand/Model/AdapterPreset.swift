import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor

/// A word for a method with some of its settings chosen.
struct AdapterPreset {
  /// The word.
  let name: String
  /// The method, as in files.
  let type: String
  /// What is chosen of the fields of a file.
  var fields: [JSON.Member] = []
  /// Fields that hold where no option says something else.
  var defaults: [JSON.Member] = []
  /// What is chosen of LoRA and not written into files.
  var change: (@Sendable (inout LoRA) -> Void)?
  /// How much faster the second matrices learn than the first where nothing else is said; nil for as fast.
  var ratio: Double?
  /// How the base is kept where nothing else is said; nil for as its folder has it.
  var precision: Precision?
  /// What is done with the base and some rows before, by fields of its own; nil for nothing.
  var start: (@Sendable (ConfigurationFile) throws(CheckpointError) -> AdapterStart)?
  /// Makes the settings of a method whose fields in files are not those of its options; nil for one that is read as a file is.
  var make: (@Sendable (ConfigurationFile) throws(CheckpointError) -> any StoredMethod)?

  /// All of them.
  static let all: [AdapterPreset] = [
    .init(name: "rslora", type: "LORA", fields: [.init("use_rslora", .bool(true))]),
    .init(name: "dora", type: "LORA", fields: [.init("use_dora", .bool(true))]),
    .init(name: "pissa", type: "LORA", fields: [.init("init_lora_weights", .string("pissa"))]),
    .init(name: "olora", type: "LORA", fields: [.init("init_lora_weights", .string("olora"))]),
    .init(name: "lora-fa", type: "LORA", change: { $0.freezesA = true }),
    // The ratio that the paper's authors advise (arXiv 2402.12354).
    .init(name: "lora-plus", type: "LORA", ratio: 16),
    .init(name: "eva", type: "LORA", start: AdapterStart.inputs),
    .init(name: "lora-ga", type: "LORA", start: AdapterStart.gradients),
    .init(name: "loftq", type: "LORA", start: AdapterStart.quantizing),
    // The paper adapts all linear layers (arXiv 2305.14314).
    .init(
      name: "qlora", type: "LORA", defaults: [.init("target_modules", .string("all-linear"))],
      precision: .nf4),
    .init(
      name: "longlora", type: "LORA",
      make: { (file) throws(CheckpointError) in try LongLoRA(flat: file) }),
    .init(
      name: "fish-mask", type: "SPARSE_DELTA",
      start: { (file) throws(CheckpointError) in try AdapterStart.mask(.fish(), file) }),
    .init(
      name: "gps", type: "SPARSE_DELTA",
      start: { (file) throws(CheckpointError) in try AdapterStart.mask(.gps(), file) }),
    .init(name: "houlsby", type: "BOTTLENECK", fields: [.init("placement", .string("houlsby"))]),
    .init(name: "pfeiffer", type: "BOTTLENECK", fields: [.init("placement", .string("pfeiffer"))]),
  ]

  /// The preset of a name; nil where it is none.
  static func named(_ name: String) -> AdapterPreset? { all.first { $0.name == name } }
}
