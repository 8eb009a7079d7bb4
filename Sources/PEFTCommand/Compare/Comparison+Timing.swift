import Foundation
import PEFTJSON
import PEFTTransformer

extension Comparison {
  /// How many steps are timed in a row at most.
  private static let timedSteps = 40

  /// Trains LoRA and a method in turn, so that whatever slows the machine for a while slows both.
  func time(_ outcome: inout MethodOutcome, _ model: CausalLM) throws {
    guard let lora = ComparedMethod.all.first(where: { $0.name == "lora" }) else { return }
    var plain = MethodOutcome(lora)
    plain.size = try lora.size(model, task)
    for number in 0..<task.timings {
      let name = "\(outcome.method.name)-time-\(number)"
      guard let before = try stepSeconds(plain, "\(name)-lora"),
        let step = try stepSeconds(outcome, name)
      else { return }
      outcome.timings.append((step: step, lora: before))
    }
  }

  /// The median time of a step; nil where the training failed.
  private func stepSeconds(_ outcome: MethodOutcome, _ name: String) throws -> Double? {
    let folder = "\(output)/runs/\(name)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let words = options(outcome, steps: min(task.steps, Self.timedSteps))
    return try child("train", words + ["--output", folder], name).result?["median_step_s"]?.number
  }
}
