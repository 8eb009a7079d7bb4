/// A method as `peft compare` trains it.
struct ComparedMethod: Sendable {
  /// The word for `--methods`, and the name of its folders.
  let name: String
  /// What the paper calls it.
  let title: String
  /// The arXiv id of the paper; nil for what has none.
  let paper: String?
  /// What is trained, in a few words.
  let trains: String
  /// How fast it learns.
  let rate: LearningRate
  /// The values that set how much is trained; nil where nothing does.
  let sizes: ClosedRange<Int>?
  /// The options of `peft train` beside those that all methods share.
  let options: @Sendable (Run) -> [String]

  /// What the options of a method depend on.
  struct Run {
    /// One of the method's sizes; 0 where it has none.
    var size: Int
    /// The rank of LoRA that trains as much.
    var rank: Int
    /// How many optimiser steps are made.
    var steps: Int
  }

  /// A line of the table; `method` is its word for `peft train`, the same as its name where nothing is said.
  init(
    _ name: String, _ title: String, _ paper: String?, _ trains: String, _ rate: LearningRate,
    sizes: ClosedRange<Int>? = nil, method: String? = nil,
    options: @escaping @Sendable (Run) -> [String]
  ) {
    (self.name, self.title, self.paper, self.trains) = (name, title, paper, trains)
    (self.rate, self.sizes) = (rate, sizes)
    self.options = { ["--method", method ?? name] + options($0) }
  }
}
