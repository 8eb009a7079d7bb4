// Adapts a ViT to classes of one's own; two pictures of plain shades stand for the data.
// usage: ClassifyingPictures MODEL OUTPUT

import Foundation
import PEFT

let words = Array(CommandLine.arguments.dropFirst())
guard words.count == 2 else {
  print("usage: ClassifyingPictures MODEL OUTPUT")
  exit(2)
}
let (folder, output) = (words[0], words[1])
let pictures = [UInt8(40), 220].map { shade in
  ImagePixels(Array(repeating: shade, count: 32 * 48 * 3), height: 32, width: 48)
}

// snippet.show
let processor = try ImageProcessor(directory: folder)
let model = try ImageClassifier(directory: folder, newLabels: ["dark", "light"])
var method = LoRA(rank: 8, alpha: 16)
method.modulesToSave = ["classifier"]
let adapter = try model.attach(method)
let batch = ImageClassificationBatch(try processor(pictures), labels: [0, 1])
// snippet.hide

// snippet.show
let trainer = Trainer(
  model, optimizer: AdamW(model.parameters(.trainable), learningRate: 1e-3),
  settings: TrainerSettings(duration: .epochs(3)))
for try await _ in trainer.fit([batch]) {}
try adapter.save(to: output)
print(model(batch.pixels).array)
// snippet.hide
