// Continues prompts with keys and values in four bits, and says how fast and in how much memory.
// usage: GeneratingText MODEL

import Foundation
import PEFT

guard let folder = CommandLine.arguments.dropFirst().first else {
  print("usage: GeneratingText MODEL")
  exit(2)
}
let model = try CausalLM(directory: folder)
let prompts: [[Int32]] = [[1, 5, 6, 7], [1, 5, 6]]

// snippet.cache
let rows = try model.generate(
  prompts, GenerationLimits(newTokens: 200), cache: .bit4,
  onEnd: { took in
    print(took.tokensPerSecond ?? 0, "tokens a second,", took.cacheByteCount, "bytes")
  })
// snippet.hide
print(rows.map(\.count))
