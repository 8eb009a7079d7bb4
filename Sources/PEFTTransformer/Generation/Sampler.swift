internal import Foundation
import PEFTTensor

/// How the next token is chosen from logits.
public struct SamplingOptions: Sendable, Hashable {
  /// Divides the logits; 0 takes the most likely token.
  public var temperature: Float
  /// Only the most likely tokens, this many; nil for all.
  public var topK: Int?
  /// Only the most likely tokens that together have at least this probability (arXiv 1904.09751); nil for all.
  public var topP: Float?
  /// Divides positive and multiplies negative logits of tokens that occurred (arXiv 1909.05858); 1 for none.
  public var repetitionPenalty: Float
  /// Starts the random numbers.
  public var seed: UInt64

  /// The most likely token, always.
  public static let greedy = SamplingOptions(temperature: 0)

  /// Options; those left out do nothing.
  public init(
    temperature: Float = 1, topK: Int? = nil, topP: Float? = nil, repetitionPenalty: Float = 1,
    seed: UInt64 = 0
  ) {
    precondition(
      temperature >= 0 && topK ?? 1 > 0 && topP ?? 1 > 0 && repetitionPenalty > 0,
      "SamplingOptions: temperature \(temperature), topK \(topK ?? 0), topP \(topP ?? 0)")
    (self.temperature, self.topK, self.topP) = (temperature, topK, topP)
    (self.repetitionPenalty, self.seed) = (repetitionPenalty, seed)
  }
}

/// Chooses tokens, in the order of Transformers' processors: repetition, temperature, top-k, top-p.
struct Sampler {
  private let options: SamplingOptions
  private var generator: Generator

  init(_ options: SamplingOptions) {
    self.options = options
    generator = Generator(seed: options.seed)
  }

  /// The next token after `seen`.
  mutating func next(_ logits: [Float], after seen: [Int32]) -> Int32 {
    var logits = logits
    if options.repetitionPenalty != 1 {
      for token in Set(seen) {
        let value = logits[Int(token)]
        logits[Int(token)] =
          value > 0 ? value / options.repetitionPenalty : value * options.repetitionPenalty
      }
    }
    if options.temperature == 0 {
      var best = 0
      for index in logits.indices where logits[index] > logits[best] { best = index }
      return Int32(best)
    }
    return draw(logits)
  }

  private mutating func draw(_ logits: [Float]) -> Int32 {
    var order = Array(logits.indices)
    if options.topK != nil || options.topP != nil {
      order.sort { (logits[$0], $1) > (logits[$1], $0) }
    }
    if let count = options.topK { order = Array(order.prefix(count)) }
    let largest = order.map { logits[$0] }.max() ?? 0
    var weights = order.map { Double((logits[$0] - largest) / options.temperature).exponential }
    if let limit = options.topP {
      let total = weights.reduce(0, +)
      var (sum, kept) = (0.0, 0)
      while kept < weights.count, kept == 0 || sum < Double(limit) * total {
        sum += weights[kept]
        kept += 1
      }
      weights = Array(weights.prefix(kept))
    }
    var rest = generator.uniform() * weights.reduce(0, +)
    for (index, weight) in zip(order, weights) {
      rest -= weight
      if rest < 0 { return Int32(index) }
    }
    return Int32(order[weights.count - 1])
  }
}

extension Double {
  fileprivate var exponential: Double { Foundation.exp(self) }
}
