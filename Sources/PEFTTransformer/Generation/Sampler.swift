internal import Foundation
import PEFTTensor

/// How the next token is chosen from logits.
///
/// The steps are those of Transformers, in its order: repetition penalty, temperature, top-k, top-p.
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
      "SamplingOptions: temperature \(temperature), topK \(topK ?? 0), topP \(topP ?? 0), "
        + "repetitionPenalty \(repetitionPenalty)")
    (self.temperature, self.topK, self.topP) = (temperature, topK, topP)
    (self.repetitionPenalty, self.seed) = (repetitionPenalty, seed)
  }
}

extension SamplingOptions {
  /// Whether the token with the largest logit is taken, whatever the others are.
  var takesLargestLogit: Bool { temperature == 0 && repetitionPenalty == 1 }

  /// The tokens that can follow, each with the weight of its probability.
  ///
  /// - Parameters:
  ///   - logits: one for each token of the vocabulary.
  ///   - seen: the tokens that occurred.
  /// - Returns: at least one token; by falling weight where top-k or top-p is set. Of equal logits the first token counts as
  ///   the more likely one.
  package func candidates(
    _ logits: [Float], after seen: [Int32]
  ) -> [(token: Int32, weight: Double)] {
    let logits = penalised(logits, seen)
    if temperature == 0 {
      var best = 0
      for index in logits.indices where logits[index] > logits[best] { best = index }
      return [(Int32(best), 1)]
    }
    var order = Array(logits.indices)
    if topK != nil || topP != nil { order.sort { (logits[$0], $1) > (logits[$1], $0) } }
    if let topK { order = Array(order.prefix(topK)) }
    let largest = order.lazy.map { logits[$0] }.max() ?? 0
    let weights = order.map { Foundation.exp(Double((logits[$0] - largest) / temperature)) }
    var kept = weights.count
    if let topP {
      let limit = Double(topP) * weights.reduce(0, +)
      var sum = 0.0
      kept = 0
      while kept < weights.count, kept == 0 || sum < limit {
        sum += weights[kept]
        kept += 1
      }
    }
    return zip(order, weights).prefix(kept).map { (Int32($0), $1) }
  }

  private func penalised(_ logits: [Float], _ seen: [Int32]) -> [Float] {
    guard repetitionPenalty != 1 else { return logits }
    var logits = logits
    for token in Set(seen) {
      let value = logits[Int(token)]
      logits[Int(token)] = value > 0 ? value / repetitionPenalty : value * repetitionPenalty
    }
    return logits
  }
}

/// Chooses tokens with random numbers of its own.
package struct Sampler {
  private let options: SamplingOptions
  private var generator: Generator

  /// A sampler whose random numbers start from the seed of the options.
  package init(_ options: SamplingOptions) {
    self.options = options
    generator = Generator(seed: options.seed)
  }

  /// The next token after `seen`.
  package mutating func next(_ logits: [Float], after seen: [Int32]) -> Int32 {
    let candidates = options.candidates(logits, after: seen)
    if candidates.count == 1 { return candidates[0].token }
    var rest = generator.uniform() * candidates.reduce(0) { $0 + $1.weight }
    var last = candidates[0].token
    for (token, weight) in candidates where weight > 0 {
      rest -= weight
      if rest < 0 { return token }
      // Rounding may leave a little at the end.
      last = token
    }
    return last
  }
}
