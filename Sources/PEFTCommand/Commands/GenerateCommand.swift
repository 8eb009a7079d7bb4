import PEFTJSON
import PEFTTokenizers
import PEFTTransformer

/// `peft generate`.
enum GenerateCommand: Command {
  static let usage = Usage(
    name: "generate", summary: "Continue a prompt.",
    discussion:
      "Writes the continuation to standard output while it grows. Without a temperature the "
      + "most likely token is taken each time; the same seed gives the same text.",
    options: [
      .model, .precision, .adapter, .lenient,
      Option("prompt", "TEXT", default: "empty", "The text to continue."),
      Option("tokens", "N", default: "200", "How many tokens are generated at most."),
      Option("temperature", "T", default: "0", "Divides the logits; 0 is greedy."),
      Option("top-k", "K", "Draw from the K most likely tokens."),
      Option("top-p", "P", "Draw from the most likely tokens with probability P together."),
      Option("repetition-penalty", "X", default: "1", "Makes tokens that occurred less likely."),
      Option("seed", "N", default: "0", "Starts the random numbers."),
      Option(
        "cache", "NAME", default: "float32",
        "How keys and values of earlier tokens are kept: float32, 8bit or 4bit."),
      Option(switch: "stats", "Say how many tokens a second there were, and what they took."),
      Option(switch: "ignore-end", "Go on after the token that ends a text."),
      .config, .json,
    ],
    example: "peft generate --prompt 'Once upon a time' --temperature 0.8 --top-p 0.95 --seed 7")

  static func run(_ arguments: Arguments) throws {
    let limits = GenerationLimits(
      newTokens: try arguments.integer("tokens", in: 1...1_000_000) ?? 200)
    let sampling = try sampling(arguments)
    let folder = try ModelFolder(arguments)
    try folder.attachAdapter(arguments)
    let prompt = arguments.string("prompt") ?? ""
    let text = try continuation(
      folder, prompt, limits, sampling,
      cache: try arguments.choice("cache", KeyValueCache.Storage.self) ?? .float32,
      ignoresEnd: arguments.isOn("ignore-end"), isStreamed: true)
    Console.print()
    let showsStatistics = arguments.isOn("stats")
    if showsStatistics { Console.error(sentence(text.statistics)) }
    if arguments.isOn("json") {
      Console.result(
        [.init("text", .string(text.text)), .init("tokens", .integer(text.tokens))]
          + (showsStatistics ? fields(text.statistics) : []))
    }
  }

  private static func sentence(_ statistics: GenerationStatistics) -> String {
    let speed = statistics.tokensPerSecond.map { "\($0.rounded(digits: 1)) tokens a second" }
    let rest = speed.map { ", then \($0)" } ?? ""
    return "\(statistics.promptTokens) tokens of the prompt and the first new one in "
      + "\(statistics.promptTime.seconds.rounded(digits: 3)) s\(rest); keys and values took "
      + "\(statistics.cacheByteCount.grouped) bytes"
  }

  private static func fields(_ statistics: GenerationStatistics) -> [JSON.Member] {
    [
      .init("prompt_tokens", .integer(statistics.promptTokens)),
      .init("prompt_seconds", .number(statistics.promptTime.seconds)),
      .init("tokens_per_second", statistics.tokensPerSecond.map(JSON.number) ?? .null),
      .init("cache_bytes", .integer(statistics.cacheByteCount)),
    ]
  }

  /// What follows a prompt.
  struct Continuation {
    let text: String
    let tokens: Int
    let statistics: GenerationStatistics
  }

  /// Continues a prompt, and writes it to standard output where it is streamed.
  static func continuation(
    _ folder: ModelFolder, _ prompt: String, _ limits: GenerationLimits,
    _ sampling: SamplingOptions, cache: KeyValueCache.Storage = .float32,
    ignoresEnd: Bool = false, isStreamed: Bool = false
  ) throws -> Continuation {
    let ids = folder.encode(prompt)
    guard !ids.isEmpty else { throw CommandError.missingOption("prompt") }
    return try continuation(
      folder, ids: ids, limits, sampling, cache: cache, ignoresEnd: ignoresEnd,
      isStreamed: isStreamed)
  }

  /// Continues the tokens of a prompt, of which there is one at least.
  static func continuation(
    _ folder: ModelFolder, ids: [Int32], _ limits: GenerationLimits,
    _ sampling: SamplingOptions, cache: KeyValueCache.Storage = .float32,
    ignoresEnd: Bool = false, isStreamed: Bool = false
  ) throws -> Continuation {
    var limits = limits
    // A token that begins a text also ends the one before it, as in models that have one for both.
    if !ignoresEnd {
      limits.stopTokens = Set(folder.endings + [folder.beginning].compactMap { $0 })
    }
    let room = folder.model.configuration.maximumPositions - ids.count
    if case .learned = folder.model.configuration.positions {
      guard room > 0 else {
        throw CommandError.unusable(
          path: "the prompt",
          reason: "has \(ids.count) tokens and leaves no place for new ones: the model has "
            + "\(folder.model.configuration.maximumPositions) positions")
      }
      limits.newTokens = min(limits.newTokens, room)
    }
    // Starting with the prompt keeps a decoder from taking the first new token for the start of a text.
    var decoder = folder.tokenizer.streamDecoder()
    var text = ""
    let promptIDs = ids.dropFirst(folder.beginning == nil ? 0 : 1)
    for id in promptIDs { _ = decoder.append(id) }
    var statistics = GenerationStatistics()
    let tokens = try folder.model.generate(
      [ids], limits, sampling, cache: cache,
      onToken: { _, token in
        let piece = decoder.append(token)
        text += piece
        if isStreamed { Console.print(piece, terminator: "") }
        return true
      }, onEnd: { statistics = $0 })
    let rest = decoder.finish()
    text += rest
    if isStreamed { Console.print(rest, terminator: "") }
    return Continuation(text: text, tokens: tokens[0].count, statistics: statistics)
  }

  private static func sampling(_ arguments: Arguments) throws -> SamplingOptions {
    SamplingOptions(
      temperature: Float(try arguments.number("temperature", in: 0...1e6) ?? 0),
      topK: try arguments.integer("top-k", in: 1...Int.max),
      topP: try arguments.number("top-p", in: 1e-6...1).map(Float.init),
      repetitionPenalty: Float(try arguments.number("repetition-penalty", in: 1e-3...1e3) ?? 1),
      seed: try arguments.seed())
  }
}
