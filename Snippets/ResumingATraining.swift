// Trains an adapter so that it can be killed at any time: the same command goes on after the last checkpoint.
// usage: ResumingATraining MODEL ROWS.jsonl RUN

import Foundation
import PEFT

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 3 else {
  print("usage: ResumingATraining MODEL ROWS.jsonl RUN")
  exit(2)
}
let (folder, rows, run) = (words[0], words[1], words[2])
let tokenizer = try Tokenizer(folder: folder)
let encoder = ExampleEncoder(tokenizer, end: tokenizer.id(of: "</s>"), maximumLength: 256)
let data = try TrainingData(jsonLines: rows, encoder: encoder)

// snippet.show
let model = try CausalLM(directory: folder)
let adapter = try model.attach(LoRA(rank: 8, alpha: 16, dropout: 0.1, targets: .allLinear))
let batches = TokenBatches(data.examples, batchSize: 8, order: .shuffled(seed: 1))
let trainer = Trainer(
  model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-3),
  schedule: .cosine(warmup: 10), settings: TrainerSettings(duration: .epochs(3)))
model.embeddingNoise = 5
trainer.average = WeightAverage(model.parameters(.trainable), .exponential(decay: 0.99))
trainer.adjust = { next, values in if next.step == 500 { values.learningRate = 3e-4 } }

let checkpoints = TrainingCheckpoints(run, keeping: 2)
let last = try checkpoints.latest().checkpoint
if let last { try last.restore(trainer) }
let log = try JSONLinesLog("\(run)/log.jsonl", goingOnAfter: last?.step ?? 0)

for try await event in trainer.fit(batches, checkpoints: checkpoints, every: 100) {
  try log.write(LogEntry(event, memory: .current))
}
trainer.average?.assign()
try adapter.save(to: run)
// snippet.hide
