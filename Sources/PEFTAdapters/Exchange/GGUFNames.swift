import PEFTTransformer

/// How llama.cpp calls the parts of a model.
struct GGUFNames {
  /// What it calls the family.
  let architecture: String
  /// Whether queries and keys have the two halves of a rotated pair side by side.
  let interleavesHeads: Bool
  private let blocks: String
  private let parts: [(own: String, name: String)]
  private let tokens: String

  private static let llamaParts = [
    ("self_attn.q_proj", "attn_q"), ("self_attn.k_proj", "attn_k"), ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
  ]
  private static let gpt2Parts = [
    ("attn.c_attn", "attn_qkv"), ("attn.c_proj", "attn_output"), ("mlp.c_fc", "ffn_up"),
    ("mlp.c_proj", "ffn_down"),
  ]

  /// The names of a family.
  ///
  /// - Throws: `AdapterError.wrongState` for one that adapters cannot be written for.
  init(_ modelType: String) throws(AdapterError) {
    switch modelType {
    case "gpt2":
      (architecture, interleavesHeads) = ("gpt2", false)
      (blocks, parts, tokens) = ("transformer.h.", Self.gpt2Parts, "transformer.wte")
    case "llama", "mistral", "qwen2", "qwen3", "gemma":
      interleavesHeads = ["llama", "mistral"].contains(modelType)
      architecture = interleavesHeads ? "llama" : modelType
      (blocks, parts, tokens) = ("model.layers.", Self.llamaParts, "model.embed_tokens")
    default:
      throw .wrongState(
        "adapters of the family \"\(modelType)\" cannot be written as GGUF; supported are gpt2, llama, mistral, qwen2, qwen3 "
          + "and gemma")
    }
  }

  /// What a module is called, without `.weight`; nil where llama.cpp has no such matrix.
  func name(_ path: String) -> String? {
    if path == tokens { return "token_embd" }
    if path == "lm_head" { return "output" }
    guard path.hasPrefix(blocks) else { return nil }
    let rest = path.dropFirst(blocks.count)
    guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]) else { return nil }
    let part = rest[rest.index(after: dot)...]
    return parts.first { $0.own == part }.map { "blk.\(layer).\($0.name)" }
  }

  /// How many heads lie in the rows of a module; nil where they are in order.
  func interleavedHeads(_ path: String, _ configuration: TransformerConfiguration) -> Int? {
    guard interleavesHeads else { return nil }
    if path.hasSuffix(".q_proj") { return configuration.heads }
    return path.hasSuffix(".k_proj") ? configuration.keyValueHeads : nil
  }
}
