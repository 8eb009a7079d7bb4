// Adapts a ViT to a folder with a folder of PNG and JPEG files for each class.
// usage: ClassifyingAFolder MODEL PICTURES OUTPUT

import Foundation
import PEFT
import PEFTImages

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 3 else {
  print("usage: ClassifyingAFolder MODEL PICTURES OUTPUT")
  exit(2)
}
let (folder, pictures, output) = (words[0], words[1], words[2])

// snippet.show
let source = try ImageFolder(path: pictures)
let batches = try ImageBatches(
  source, ImageProcessor(directory: folder), batchSize: 16, order: .shuffled(seed: 0))
let model = try ImageClassifier(directory: folder, newLabels: source.labels)
var method = LoRA(rank: 8, alpha: 16)
method.modulesToSave = ["classifier"]
let adapter = try model.attach(method)
let trainer = Trainer(
  model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-3),
  settings: TrainerSettings(duration: .epochs(3)))
for try await _ in trainer.fit(batches) {}
try adapter.save(to: output)
print(try ClassificationQuality(model, batches).accuracy)
// snippet.hide
