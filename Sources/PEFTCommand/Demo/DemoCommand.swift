import PEFTJSON

/// `peft demo`.
enum DemoCommand: Command {
  static let usage = Usage(
    name: "demo", summary: "Adapt the built-in model and see what comes of it.",
    discussion:
      "The built-in model knows little stories and notes. The demo teaches it to write weather reports from "
      + "data with LoRA, does the same with full fine-tuning to compare, saves and merges the adapter, "
      + "and shows losses, samples and sizes, all of them measured in this run.",
    options: [
      Option(
        "output", "DIR", default: "peft-demo", "The folder for the adapter and the merged model."),
      Option("steps", "N", default: "\(Demo.defaultSteps)", "How many steps each method takes."),
      Option("seed", "N", default: "0", "Chooses the rows and the start of the adapter."),
      .config, .json,
    ],
    example: "peft demo --output /tmp/demo")

  static func run(_ arguments: Arguments) throws {
    let start = ContinuousClock.now
    let output = arguments.string("output") ?? "peft-demo"
    var demo = Demo(
      seed: try arguments.seed(),
      steps: try arguments.integer("steps", in: 1...100_000) ?? Demo.defaultSteps)
    let result = try demo.run(into: output)
    let seconds = (ContinuousClock.now - start).seconds
    Console.print("\nAll of this took \(seconds.rounded(digits: 0)) s. Now try")
    Console.print("  peft generate --adapter \(output)/adapter --prompt '\(demo.examplePrompt)'")
    Console.print("  peft inspect \(output)/adapter")
    if arguments.isOn("json") {
      Console.result(result + [.init("seconds", .number(seconds))])
    }
  }
}
