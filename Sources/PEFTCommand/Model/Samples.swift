import PEFTTensor
import PEFTTokenizers
import PEFTTraining
import PEFTTransformer

/// Texts that `peft train` lets the model write on its way.
final class Samples {
  private let interval: Int
  private let prompts: [[Int32]]
  private let tokens: Int
  private let folder: ModelFolder
  private var steps: Set<Int> = []

  /// The options from which they are read.
  static let options: [Option] = [
    Option(
      "sample-every", "N",
      "Steps between two samples of what the model writes, which are shown and logged; one before the first step and "
        + "one after the last."),
    Option(
      repeatable: "sample-prompt", "TEXT",
      "What a sample continues, in place of the beginnings of two held-out or training rows; can be repeated."
    ),
    Option("sample-tokens", "N", default: "48", "How many tokens a sample has at most."),
  ]

  /// Reads the options; nil where no samples are wanted.
  ///
  /// - Parameters:
  ///   - arguments: of the command.
  ///   - folder: the model that writes.
  ///   - rows: what prompts are taken from where none is given.
  /// - Throws: `CommandError` where an option has no sense.
  init?(_ arguments: Arguments, _ folder: ModelFolder, _ rows: [TrainingExample])
    throws(CommandError)
  {
    let interval = try arguments.integer("sample-every", in: 1...1_000_000_000)
    let tokens = try arguments.integer("sample-tokens", in: 1...1_000_000)
    guard let interval else {
      for name in ["sample-prompt", "sample-tokens"] where arguments.has(name) {
        throw .missingOption("sample-every")
      }
      return nil
    }
    (self.interval, self.folder) = (interval, folder)
    self.tokens = tokens ?? 48
    let given = arguments.texts("sample-prompt").map(folder.encode)
    prompts = given.isEmpty ? Self.prompts(rows) : given
    if prompts.contains(where: \.isEmpty) {
      throw arguments.invalid("sample-prompt", expected: "a text")
    }
  }

  /// Two prompts of rows that differ, or one where all rows have the same; data sets may have several answers to each.
  private static func prompts(_ rows: [TrainingExample]) -> [[Int32]] {
    let first = rows.prefix(1).map(prompt)
    return first + rows.lazy.map(prompt).filter { !first.contains($0) }.prefix(1)
  }

  /// What stands before what is learned; of a row that is learned whole, its first tokens.
  private static func prompt(_ row: TrainingExample) -> [Int32] {
    let known = row.labels.prefix { $0 == TokenBatch.ignored }.count
    return Array(row.ids.prefix(known > 0 ? known : max(1, min(8, row.ids.count / 4))))
  }

  /// Whether samples are written after a step.
  func areDue(after step: Int) -> Bool { step % interval == 0 }

  /// Writes samples, unless they were written after this step already.
  ///
  /// - Parameters:
  ///   - step: after how many steps.
  ///   - average: whose weights write; nil for those of the model.
  /// - Returns: an entry for each prompt.
  /// - Throws: what the model cannot continue.
  func entries(step: Int, _ average: WeightAverage? = nil) throws -> [LogEntry] {
    guard steps.insert(step).inserted else { return [] }
    let write = { [self] in
      try prompts.map { prompt in
        let text = try GenerateCommand.continuation(
          folder, ids: prompt, GenerationLimits(newTokens: tokens), SamplingOptions(temperature: 0)
        ).text
        let shown = folder.tokenizer.decode(prompt, skipSpecialTokens: true)
        return LogEntry("sample", step: step, texts: ["prompt": shown, "text": text])
      }
    }
    return try average.map { try $0.use(write) } ?? write()
  }
}
