// Trains an adapter by all processes that mpirun starts; needs the trait MPI.
// usage: mpirun -n 2 DistributedTraining MODEL ROWS.jsonl OUTPUT

#if MPI
  import Foundation
  import PEFT
  import PEFTDistributed

  let words = Array(CommandLine.arguments.dropFirst())
  guard words.count == 3 else {
    print("usage: DistributedTraining MODEL ROWS.jsonl OUTPUT")
    exit(2)
  }
  let (folder, rows, output) = (words[0], words[1], words[2])
  let tokenizer = try Tokenizer(folder: folder)
  let encoder = ExampleEncoder(tokenizer, end: tokenizer.id(of: "</s>"), maximumLength: 256)
  let data = try TrainingData(jsonLines: rows, encoder: encoder)
  let model = try CausalLM(directory: folder)
  let adapter = try model.attach(LoRA(rank: 8, alpha: 16, targets: .allLinear))
  let batches = TokenBatches(data.examples, batchSize: 8, order: .shuffled(seed: 1))
  let trainer = Trainer(
    model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-3),
    schedule: .cosine(warmup: 10), settings: TrainerSettings(duration: .epochs(3)))

  // snippet.show
  let ranks = try MPICommunicator()
  trainer.communicator = ranks
  for try await event in trainer.fit(batches) {
    if ranks.rank == 0 { print(ProgressLine.text(event)) }
  }
  if ranks.rank == 0 { try adapter.save(to: output) }
  try ranks.finish()
// snippet.hide
#else
  print("Build with --traits MPI.")
#endif
