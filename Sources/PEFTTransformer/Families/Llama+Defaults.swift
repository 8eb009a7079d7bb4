import PEFTTensor

extension Llama {
  /// What absent fields mean in Transformers.
  struct Defaults {
    var vocabularySize = 32_000
    var width = 4096
    var feedForwardWidth = 11_008
    var layers = 32
    var heads = 32
    /// nil for as many as heads.
    var keyValueHeads: Int?
    /// nil for the width over the heads.
    var headWidth: Int?
    var maximumPositions = 2048
    var normEpsilon = 1e-6
    var activation = "silu"
    var hasTiedHead = false
    var slidingWindow: Int?
    var paddingToken: Int?

    init(_ type: String) {
      switch type {
      case "mistral":
        (feedForwardWidth, keyValueHeads, maximumPositions) = (14_336, 8, 131_072)
        slidingWindow = 4096
      case "qwen2", "qwen3":
        (vocabularySize, feedForwardWidth) = (151_936, 22_016)
        (keyValueHeads, maximumPositions, slidingWindow) = (32, 32_768, 4096)
        if type == "qwen3" { headWidth = 128 }
      case "gemma":
        (vocabularySize, width, feedForwardWidth) = (256_000, 3072, 24_576)
        (layers, heads, keyValueHeads, headWidth) = (28, 16, 16, 256)
        (maximumPositions, activation) = (8192, "gelu_pytorch_tanh")
        (hasTiedHead, paddingToken) = (true, 0)
      case "phi3":
        (vocabularySize, width, feedForwardWidth) = (32_064, 3072, 8192)
        (maximumPositions, normEpsilon, paddingToken) = (4096, 1e-5, 32_000)
      default: break
      }
    }
  }

  /// The names of modules.
  static func names(_ type: String) -> TransformerConfiguration.Names {
    var names = names
    switch type {
    case "qwen3": (names.queryNorm, names.keyNorm) = ("q_norm", "k_norm")
    case "phi3": (names.query, names.up) = ("qkv_proj", "gate_up_proj")
    default: break
    }
    return names
  }
}
