import PEFTAdapters
import PEFTTransformer

extension ComparedMethod {
  /// The size with which the method trains most nearly as much as the budget, by planning on the model.
  ///
  /// What is trained grows with the size, so it is found by halving. Where the largest size is too little or the smallest too
  /// much, that one is taken.
  func size(_ model: CausalLM, _ task: Comparison.Task) throws -> Int {
    guard let sizes else {
      _ = try trainableCount(model, task.run(size: 0))
      return 0
    }
    func count(_ size: Int) throws -> Int {
      try trainableCount(model, task.run(size: size))
    }
    var low = sizes.lowerBound
    var trained = try count(low)
    if trained >= task.budget { return low }
    // Large sizes may be more than the shapes of the model allow, so the bound is looked for from below.
    var bound: Int?
    while bound == nil, low < sizes.upperBound {
      let next = min(2 * low, sizes.upperBound)
      guard let more = try? count(next), more < task.budget else {
        bound = next
        break
      }
      // No size beyond trains more.
      if more == trained { return low }
      (low, trained) = (next, more)
    }
    guard var high = bound else { return low }
    while high - low > 1 {
      let middle = (low + high) / 2
      if let trained = try? count(middle), trained < task.budget {
        low = middle
      } else {
        high = middle
      }
    }
    guard let above = try? count(high) else { return low }
    let below = try count(low)
    return above * below < task.budget * task.budget ? high : low
  }

  /// How many parameters a run trains.
  func trainableCount(_ model: CausalLM, _ run: Run) throws -> Int {
    let words = ["--data", "", "--output", "", "--steps", "\(run.steps)"] + words(run)
    let plan = try TrainingPlan(Arguments(words, for: TrainCommand.usage))
    guard let method = plan.method else { return model.parameterCount() }
    return try plan.preview(method, model).trainableCount
  }
}

extension Comparison.Task {
  /// What the options of a method depend on.
  func run(size: Int) -> ComparedMethod.Run {
    .init(size: size, rank: rank, budget: budget, steps: steps)
  }
}
