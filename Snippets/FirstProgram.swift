// Adapts a Hugging Face model folder with LoRA and saves an adapter that PEFT loads.
// usage: FirstProgram MODEL ROWS.jsonl OUTPUT

import Foundation
import PEFT

let folders = CommandLine.arguments.dropFirst()
guard folders.count == 3, let folder = folders.first, let output = folders.last else {
  print("usage: FirstProgram MODEL ROWS.jsonl OUTPUT")
  exit(2)
}
let rows = folders[folders.startIndex + 1]

// snippet.show
let model = try CausalLM(directory: folder)
let tokenizer = try Tokenizer(folder: folder)
let adapter = try model.attach(LoRA(rank: 8, alpha: 16, targets: .allLinear))
print(adapter.parameterCount, "of", model.parameterCount(), "parameters are trained")

let encoder = ExampleEncoder(tokenizer, end: tokenizer.id(of: "</s>"), maximumLength: 256)
let data = try TrainingData(jsonLines: rows, encoder: encoder)
let batches = TokenBatches(data.examples, batchSize: 8, order: .shuffled(seed: 1))
let trainer = Trainer(
  model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-3),
  schedule: .cosine(warmup: 10), settings: TrainerSettings(duration: .epochs(1)))
for try await event in trainer.fit(batches) { print(ProgressLine.text(event)) }

try adapter.save(to: output)
// snippet.hide
