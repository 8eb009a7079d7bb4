public import PEFTTensor
public import PEFTTransformer

/// The average of trained parameters over the steps of a training.
///
///     let average = WeightAverage(model.parameters(.trainable), .exponential(decay: 0.99))
///     optimizer.step()
///     average.update()
///     let loss = average.use { evaluate(model) }   // with the averages in the place of the parameters
///     average.assign()                             // for good, before saving
///
/// Each parameter is averaged by itself, the factors of a low-rank product too, as when the whole model is averaged.
public final class WeightAverage {
  /// What is averaged.
  public enum Kind: Sendable, Hashable, Codable {
    /// All steps so far, older ones with weights that fall by this factor a step: `average = decay * average + (1 - decay) * value`,
    /// beginning with the values after the first step.
    case exponential(decay: Double)
    /// The last so many steps, all alike; as many copies of the parameters are kept.
    case last(Int)
  }

  /// What is averaged.
  public let kind: Kind
  /// How many updates there were.
  public private(set) var count = 0
  private let parameters: [NamedParameter]
  /// For each parameter the average, or the last values, the oldest first.
  private var values: [[Tensor]]

  /// An average of parameters that has seen no step.
  public init(_ parameters: [NamedParameter], _ kind: Kind) {
    switch kind {
    case .exponential(let decay):
      precondition((0..<1).contains(decay), "WeightAverage: decay \(decay)")
    case .last(let number): precondition(number > 0, "WeightAverage: the last \(number) steps")
    }
    (self.parameters, self.kind) = (parameters, kind)
    values = parameters.map { _ in [] }
  }

  /// Takes the values after a step into the average.
  ///
  /// - Complexity: linear in the number of elements; memory for one copy of them, or as many as steps are kept.
  public func update() {
    count += 1
    withoutGradients {
      for (index, named) in parameters.enumerated() {
        // The next step writes into the tensor of the parameter, so what is kept of it is a copy.
        let value = named.parameter.value
        switch kind {
        case .exponential(let decay):
          let mean = values[index].first.map { $0 * Float(decay) + value * Float(1 - decay) }
          values[index] = [mean ?? value.copied()]
        case .last(let number):
          values[index] = values[index].suffix(number - 1) + [value.copied()]
        }
      }
    }
  }

  /// Runs something with the averages in the place of the parameters; with the parameters themselves before the first update.
  public func use<Result>(_ body: () throws -> Result) rethrows -> Result {
    let own = parameters.map(\.parameter.value)
    assign()
    defer { for (named, value) in zip(parameters, own) { named.parameter.value = value } }
    return try body()
  }

  /// Gives the parameters the values of the averages; nothing before the first update.
  public func assign() {
    guard count > 0 else { return }
    for (named, values) in zip(parameters, values) {
      named.parameter.value = Self.mean(values)
    }
  }

  private static func mean(_ values: [Tensor]) -> Tensor {
    guard values.count > 1, let first = values.first else { return values[0].copied() }
    return withoutGradients {
      values.dropFirst().reduce(first) { $0 + $1 } * (1 / Float(values.count))
    }
  }
}

// MARK: Saving

extension WeightAverage {
  /// What must be kept to go on to the bit: the number of updates, and for each parameter the average, or the last values by number.
  public var state: [String: Tensor] {
    guard count > 0 else { return [:] }
    var state = ["count": Tensor(Float(count))]
    for (named, values) in zip(parameters, values) {
      for (index, value) in values.enumerated() {
        state["\(index).\(named.path)"] = value.copied()
      }
    }
    return state
  }

  /// Goes on where another average of the same kind and the same parameters stood.
  ///
  /// - Parameter state: as `state` gave it.
  /// - Throws: `TrainingError.stateMismatch` where it does not fit; nothing is changed then.
  public func restore(_ state: [String: Tensor]) throws(TrainingError) {
    var rest = state
    let number = rest.removeValue(forKey: "count").map {
      $0.count == 1 ? Int(exactly: $0.item) : nil
    }
    guard let count = number ?? 0, count >= 0, number != nil || state.isEmpty else {
      throw .stateMismatch(
        name: "count", expected: "the number of averaged steps",
        found: state["count"].map { "\($0)" } ?? "nothing")
    }
    let kept =
      switch kind {
      case .exponential: min(count, 1)
      case .last(let number): min(count, number)
      }
    var restored: [[Tensor]] = []
    for named in parameters {
      var values: [Tensor] = []
      for index in 0..<kept {
        let name = "\(index).\(named.path)"
        let tensor = rest.removeValue(forKey: name)
        guard let tensor, tensor.shape == named.parameter.shape else {
          throw .stateMismatch(
            name: name, expected: "shape \(named.parameter.shape)",
            found: tensor.map { "shape \($0.shape)" } ?? "nothing")
        }
        values.append(tensor)
      }
      restored.append(values)
    }
    if let name = rest.keys.min() {
      throw .stateMismatch(
        name: name, expected: "averages of what is trained", found: "an entry of nothing")
    }
    (self.count, values) = (count, restored)
  }
}
