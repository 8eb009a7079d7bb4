// Trains a LoRA on a table that is read while the training runs.
// usage: StreamingRows MODEL ROWS.csv OUTPUT

import Foundation
import PEFT

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 3 else {
  print("usage: StreamingRows MODEL ROWS.csv OUTPUT")
  exit(2)
}
let (folder, rows, output) = (words[0], words[1], words[2])
let model = try CausalLM(directory: folder)
let tokenizer = try Tokenizer(folder: folder)
let encoder = ExampleEncoder(tokenizer, end: tokenizer.id(of: "</s>"), maximumLength: 256)
let adapter = try model.attach(LoRA(rank: 8, alpha: 16, targets: .allLinear))

// snippet.show
let batches = try StreamedBatches(
  DelimitedText.csv(path: rows),
  StreamSettings(
    size: .rows(8), shuffleBuffer: 10_000, seed: 1, names: ["prompt": "question"], badRows: .skip),
  encode: encoder.encodedRow)
print(batches.counts.examples, "rows,", batches.counts.bad, "bad ones left out")
let trainer = Trainer(
  model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-3),
  settings: TrainerSettings(duration: .epochs(2)))
for try await event in trainer.fit(batches) { print(ProgressLine.text(event)) }
// snippet.hide

try adapter.save(to: output)
