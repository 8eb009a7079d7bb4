import Foundation
import PEFT

/// What a step costs with so many ranks, from the time of one rank's rows and the time of a sum.
///
/// Sums are modelled as the faster of a ring, `2 (n - 1) (latency + bytes / n / bandwidth)`, and of recursive halving and doubling,
/// `2 log2(n) latency + 2 (n - 1) / n bytes / bandwidth`; nothing is taken off for what is sent while the backward pass goes on.
struct ScalingModel {
  /// Seconds in which a rank computes a step of its own rows.
  let compute: Double
  /// Tokens of a rank's rows in a step.
  let tokens: Double
  /// Seconds of a message without content.
  let latency: Double
  /// Bytes a second between two ranks.
  let bandwidth: Double

  /// Seconds that a sum takes.
  func sum(bytes: Double, ranks: Int) -> Double {
    if ranks == 1 { return 0 }
    let (count, rounds) = (Double(ranks), log2(Double(ranks)).rounded(.up))
    let volume = 2 * (count - 1) / count * bytes / bandwidth
    return volume + min(2 * (count - 1), 2 * rounds) * latency
  }

  /// Seconds of a step: computing, the gradients, and the two sums of single numbers.
  func step(bytes: Double, ranks: Int) -> Double {
    compute + sum(bytes: bytes, ranks: ranks) + 2 * sum(bytes: 8, ranks: ranks)
  }

  func tokensPerSecond(bytes: Double, ranks: Int) -> Double {
    Double(ranks) * tokens / step(bytes: bytes, ranks: ranks)
  }

  /// The share of the speed that ranks would have if nothing had to be sent.
  func efficiency(bytes: Double, ranks: Int) -> Double {
    compute / step(bytes: bytes, ranks: ranks)
  }
}

/// A table of the modelled speed of 1 to 1,024 ranks, each with the same number of rows, for an adapter and for all weights.
struct ScalingWorkload {
  private let options: BenchOptions

  init(_ options: BenchOptions) { self.options = options }

  func run() throws -> [String] {
    let adapter = Double(try options.number("bytes", default: 1_179_648))
    let full = Double(try options.number("full-bytes", default: 497_759_232))
    let tokens = try options.number("rank-tokens", default: 512)
    let model = ScalingModel(
      compute: Double(try options.number("compute-ms", default: 1000)) / 1e3,
      tokens: Double(tokens), latency: Double(try options.number("latency-us", default: 50)) / 1e6,
      bandwidth: Double(try options.number("megabit", default: 1000)) * 125_000)
    let fullCompute = Double(
      try options.number("full-compute-ms", default: Int(model.compute * 1e3)))
    let fullModel = ScalingModel(
      compute: fullCompute / 1e3, tokens: model.tokens, latency: model.latency,
      bandwidth: model.bandwidth)
    let megabytes = { (bytes: Double) in String(format: "%.2f", bytes / 1e6) }
    var lines = [
      "Modelled: \(tokens) tokens a rank and step in \(String(format: "%.3f", model.compute)) s, "
        + "\(String(format: "%.3f", fullModel.compute)) s for all weights; messages of "
        + "\(String(format: "%.0f", model.latency * 1e6)) us and \(String(format: "%.1f", model.bandwidth / 1e6)) MB/s.",
      "",
      "| ranks | adapter, \(megabytes(adapter)) MB: s a step | tokens/s | efficiency "
        + "| all weights, \(megabytes(full)) MB: s a step | tokens/s | efficiency |",
      "|---:|---:|---:|---:|---:|---:|---:|",
    ]
    var ranks = 1
    while ranks <= 1024 {
      let cells = [(model, adapter), (fullModel, full)].flatMap { model, bytes in
        [
          String(format: "%.3f", model.step(bytes: bytes, ranks: ranks)),
          String(format: "%.0f", model.tokensPerSecond(bytes: bytes, ranks: ranks)),
          String(format: "%.3f", model.efficiency(bytes: bytes, ranks: ranks)),
        ]
      }
      lines.append("| \(ranks) | \(cells.joined(separator: " | ")) |")
      ranks *= 2
    }
    return lines
  }
}
