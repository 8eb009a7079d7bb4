import PEFTJSON

/// `peft pretrain`.
enum PretrainCommand: Command {
  static let usage = Usage(
    name: "pretrain", summary: "Make the built-in base model anew.",
    discussion:
      "Generates little stories and notes, learns a byte-level vocabulary from them, trains a small Llama "
      + "on them from random weights, and writes a Hugging Face folder with weights in bfloat16. The "
      + "defaults make the model that comes with the program.",
    options: [
      Option("output", "DIR", "The folder to write."),
      Option("seed", "N", default: "1", "Chooses the texts and the initial weights."),
      Option("steps", "N", default: "3000", "How many optimiser steps."),
      Option("batch", "N", default: "32", "Texts in a step."),
      Option(
        "vocabulary-texts", "N", default: "20000", "Texts that the vocabulary is learnt from."),
      .config, .json,
    ],
    example: "peft pretrain --output model")

  static func run(_ arguments: Arguments) throws {
    let output = try arguments.required("output")
    var pretraining = Pretraining(
      seed: try arguments.seed(default: 1),
      steps: try arguments.integer("steps", in: 1...1_000_000) ?? 3000)
    pretraining.batchSize = try arguments.integer("batch", in: 1...10_000) ?? pretraining.batchSize
    pretraining.vocabularyTexts =
      try arguments.integer("vocabulary-texts", in: 1...1_000_000)
      ?? pretraining.vocabularyTexts
    try OutputFolder.prepare(output, for: .model(tokenizer: ["tokenizer.json"]))
    let outcome = try pretraining.run(into: output)
    Console.print(
      "\(output): \(outcome.parameters.grouped) parameters, held-out loss "
        + "\(outcome.heldOutLoss.rounded(digits: 4)) nats, \(outcome.seconds.rounded(digits: 0)) s")
    if arguments.isOn("json") {
      Console.result([
        .init("output", .string(output)), .init("parameters", .integer(outcome.parameters)),
        .init("held_out_loss", .number(outcome.heldOutLoss)),
        .init("seconds", .number(outcome.seconds)),
      ])
    }
  }
}
