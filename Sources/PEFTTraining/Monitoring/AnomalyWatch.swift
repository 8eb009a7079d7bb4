import PEFTCheckpoints
import PEFTJSON

/// Looks for steps that are not as they should be, and puts their batches aside.
public struct AnomalyWatch: Sendable, Hashable {
  /// What is done with such a step.
  public var reaction: StepAnomaly.Reaction
  /// Where batches are written, as `anomaly-STEP.json`; nil for nowhere.
  public var folder: String?
  /// Finds losses that are too large; nil to look only for those that are not finite.
  public var losses: SpikeDetector?
  /// Finds norms of gradients that are too large; nil to look only for those that are not finite.
  public var gradientNorms: SpikeDetector?

  /// A watch from its parts.
  public init(
    _ reaction: StepAnomaly.Reaction, folder: String? = nil, losses: SpikeDetector? = nil,
    gradientNorms: SpikeDetector? = nil
  ) {
    (self.reaction, self.folder) = (reaction, folder)
    (self.losses, self.gradientNorms) = (losses, gradientNorms)
  }

  /// Whether a file has the name of one that a watch writes.
  public static func isFile(_ name: String) -> Bool {
    name.hasPrefix("anomaly-") && name.hasSuffix(".json")
      && Int(name.dropFirst(8).dropLast(5)) != nil
  }

  /// Takes note of a step, and tells what is wrong with it.
  mutating func look(loss: Double, gradientNorm: Double) -> StepAnomaly.Kind? {
    if !loss.isFinite { return .nonFiniteLoss }
    if !gradientNorm.isFinite { return .nonFiniteGradient }
    let isLossSpike = losses?.isSpike(loss) ?? false
    let isGradientSpike = gradientNorms?.isSpike(gradientNorm) ?? false
    return isLossSpike ? .lossSpike : isGradientSpike ? .gradientSpike : nil
  }

  /// Writes the batches of a step.
  ///
  /// - Returns: the path of the file; nil where there is no folder.
  /// - Throws: `TrainingError.batchFile`.
  func write(
    _ batches: [Any], step: Int, kind: StepAnomaly.Kind, loss: Double, gradientNorm: Double
  ) throws(TrainingError) -> String? {
    guard let folder else { return nil }
    let path = "\(folder)/anomaly-\(step).json"
    let number = { (value: Double) in value.isFinite ? JSON.number(value) : .null }
    let contents = batches.map { batch -> JSON in
      guard let batch = batch as? any RecordedBatch else {
        return .object([.init("type", .string("\(type(of: batch))"))])
      }
      return .object(
        batch.record.map { name, rows in
          .init(name, .array(rows.map { .array($0.map { .integer(Int($0)) }) }))
        })
    }
    let json = JSON.object([
      .init("step", .integer(step)), .init("kind", .string(kind.rawValue)),
      .init("loss", number(loss)), .init("gradient_norm", number(gradientNorm)),
      .init("batches", .array(contents)),
    ])
    do {
      try makeFolder(folder)
      try atomicallyWrite(json.text(.compact), to: path)
    } catch {
      throw .batchFile(path: path, reason: "\(error)")
    }
    return path
  }
}
