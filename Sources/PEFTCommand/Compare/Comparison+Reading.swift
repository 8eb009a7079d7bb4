import Foundation
import PEFTJSON

extension Comparison {
  /// An earlier comparison, and how long it took, from its `results.json`.
  ///
  /// - Parameter path: the file.
  /// - Returns: the comparison and its seconds.
  /// - Throws: `CommandError.unusable` where the file is none.
  static func read(_ path: String) throws(CommandError) -> (comparison: Self, seconds: Double) {
    try DataFile.requireFile(path)
    let bytes = FileManager.default.contents(atPath: path).map(Array.init) ?? []
    guard let json = try? JSON(parsing: bytes), let task = Task(json),
      let baseLoss = json["base_loss"]?.number, let seconds = json["seconds"]?.number,
      let outcomes = json["methods"]?.elements?.map(MethodOutcome.init),
      outcomes.allSatisfy({ $0 != nil })
    else { throw .unusable(path: path, reason: "is not the results.json of a comparison") }
    return (Self(task, outcomes.compactMap { $0 }, baseLoss: baseLoss), seconds)
  }
}

extension Comparison.Task {
  /// Reads what `ComparisonTable.json` wrote; nil where something is missing.
  fileprivate init?(_ json: JSON) {
    guard let data = json["data"]?.string, let evaluation = json["evaluation"]?.string,
      let steps = json["steps"]?.integer, let batchSize = json["batch"]?.integer,
      let maximumLength = json["max_length"]?.integer, let seeds = json["seeds"]?.integer,
      let rank = json["rank"]?.integer, let budget = json["budget"]?.integer,
      let rateFactor = json["learning_rate_factor"]?.number
    else { return nil }
    self.init(
      model: json["model"]?.string, data: data, evaluation: evaluation, steps: steps,
      batchSize: batchSize, maximumLength: maximumLength, seeds: seeds, rank: rank,
      budget: budget, rateFactor: rateFactor, isSearching: json["search"]?.bool ?? false,
      timings: json["timings"]?.integer ?? 0)
  }
}

extension MethodOutcome {
  /// Reads what `ComparisonTable.json` wrote; nil where something is missing.
  fileprivate init?(_ json: JSON) {
    guard let method = ComparedMethod.all.first(where: { $0.name == json["name"]?.string }),
      let losses = json["losses"]?.elements?.compactMap(\.number),
      let stepSeconds = json["step_s"]?.elements?.compactMap(\.number),
      let seconds = json["seconds"]?.number
    else { return nil }
    self.init(method)
    (self.losses, self.stepSeconds, self.seconds) = (losses, stepSeconds, seconds)
    size = json["size"]?.integer ?? 0
    rate = json["rate"]?.number ?? rate
    trials = (json["trials"]?.elements ?? []).compactMap { trial in
      guard let parts = trial.elements, parts.count == 2, let rate = parts[0].number else {
        return nil
      }
      return (rate, parts[1].number)
    }
    timings = (json["timings"]?.elements ?? []).compactMap { timing in
      guard let parts = timing.elements?.compactMap(\.number), parts.count == 2 else { return nil }
      return (step: parts[0], lora: parts[1])
    }
    trainable = json["trainable"]?.integer
    adapterBytes = json["adapter_bytes"]?.integer
    peakBytes = json["peak_bytes"]?.integer
    fault = json["failed"]?.string
    switch json["mergeable"]?.bool {
    case true: merging = .done(difference: json["merged_difference"]?.number ?? .nan)
    case false: merging = .impossible(json["not_merged"]?.string ?? "")
    case nil: merging = losses.isEmpty ? nil : .unneeded
    }
  }
}
