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
  /// The highest learning rate of a training, unless one is searched for.
  ///
  /// What a search over factors of about three found on the task of the built-in model, for every method.
  let rate: Double
  /// The values that set how much is trained; nil where nothing does.
  var sizes: ClosedRange<Int>?
  /// The word for `peft train --method`, where that is another one than the name.
  var method: String?
  /// Why it is behind LoRA where it is; what was not tried out by itself begins with "perhaps".
  var reason: String?
  /// The options that say how its base is kept, for every command.
  var base: [String] = []
  /// The options of `peft train` beside those that all methods share.
  var options: @Sendable (Run) -> [String] = { _ in [] }

  /// What the options of a method depend on.
  struct Run {
    /// One of the method's sizes; 0 where it has none.
    var size: Int
    /// The rank of LoRA that trains as much.
    var rank: Int
    /// How many parameters that are.
    var budget: Int
    /// How many optimiser steps are made.
    var steps: Int
  }

  /// The options of `peft train` that make it this method.
  func words(_ run: Run) -> [String] { ["--method", method ?? name] + options(run) }
}
