// Loads model folders with their heads, adapts them, and trains rows of added tokens.
// usage: ModelsAndHeads DECODER ENCODER OUTPUT

import Foundation
import PEFT

let folders = Array(CommandLine.arguments.dropFirst())
guard folders.count == 3 else {
  print("usage: ModelsAndHeads DECODER ENCODER OUTPUT")
  exit(2)
}
let (folder, encoderFolder, output) = (folders[0], folders[1], folders[2])

// snippet.classifier
let classifier = try SequenceClassifier(directory: folder, newLabels: ["no", "yes"])
let scores = classifier(TokenRows([[5, 6, 7], [8]]))
let adapter = try classifier.attach(LoRA(rank: 8, alpha: 16))
let loss = classifier.loss(ClassificationBatch(TokenRows([[5, 6, 7], [8]]), labels: [1, 0]))
// snippet.hide
loss.backward()
print(scores.shape, adapter.parameterCount)

// snippet.words
let names = try TokenClassifier(directory: encoderFolder, newLabels: ["O", "NAME"])
let sentence = TokenLabelBatch([[5, 6, 7]], labels: [[0, 1, TokenBatch.ignored]])
try names.attach(LoRA(rank: 8, alpha: 16))
names.loss(sentence).backward()
// snippet.hide

// snippet.masks
let masked = try MaskedLM(directory: encoderFolder)
var generator = Generator(seed: 1)
let hidden = TokenLabelBatch(
  masking: TokenRows([[2, 5, 6, 7, 3]]), with: 4, sparing: [2, 3],
  vocabularySize: masked.configuration.vocabularySize, using: &generator)
// snippet.hide
print(hidden.targetCount)

// snippet.tokens
let model = try CausalLM(directory: folder, addedTokens: 2)
let size = Int32(model.configuration.vocabularySize)
var lora = LoRA(rank: 8, alpha: 16)
lora.trainableTokens = [size - 2, size - 1]
try model.attach(lora).save(to: output)
// snippet.hide

// snippet.merging
try masked.attach(LoRA(rank: 8, alpha: 16)).save(to: output + "-masked")
try MaskedLM.streaming(encoderFolder).saveMerged(
  adapter: output + "-masked", to: output + "-merged")
// snippet.hide
