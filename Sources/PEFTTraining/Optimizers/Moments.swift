import PEFTTensor
import PEFTTransformer

/// The tensors that an optimiser keeps for each of its parameters, and how they are saved.
struct Moments {
  /// What is kept for one parameter, in the order of `names`.
  struct Entry {
    var step = 0
    var tensors: [Tensor]
    /// That of the parameter to which this belongs.
    var history = 0
  }

  /// The names of the tensors in a saved state.
  let names: [String]
  private let parameters: [NamedParameter]
  private var entries: [ObjectIdentifier: Entry] = [:]

  init(_ names: [String], for groups: [ParameterGroup]) {
    self.names = names
    parameters = groups.flatMap(\.parameters)
    precondition(
      Set(parameters.map { ObjectIdentifier($0.parameter) }).count == parameters.count
        && Set(parameters.map(\.path)).count == parameters.count,
      "Optimizer: a parameter or a path occurs twice in the groups")
  }

  /// The entry of a parameter with the step raised by one; made of zeros where there is none for its present history.
  mutating func advance(_ parameter: Parameter) -> Entry {
    let key = ObjectIdentifier(parameter)
    var entry =
      current(parameter)
      ?? Entry(
        tensors: names.map { _ in Tensor(zeros: parameter.shape) }, history: parameter.histories)
    entry.step += 1
    entries[key] = entry
    return entry
  }

  /// The entry of a parameter, unless it is of an earlier history.
  private func current(_ parameter: Parameter) -> Entry? {
    entries[ObjectIdentifier(parameter)].flatMap {
      $0.history == parameter.histories ? $0 : nil
    }
  }

  var state: [String: Tensor] {
    var state: [String: Tensor] = [:]
    for named in parameters {
      guard let entry = current(named.parameter) else { continue }
      state["step.\(named.path)"] = Tensor(Float(entry.step))
      for (name, tensor) in zip(names, entry.tensors) {
        state["\(name).\(named.path)"] = tensor.copied()
      }
    }
    return state
  }

  mutating func restore(_ state: [String: Tensor]) throws(TrainingError) {
    var remaining = state
    var restored: [ObjectIdentifier: Entry] = [:]
    for named in parameters {
      let step = remaining.removeValue(forKey: "step.\(named.path)")
      var tensors: [Tensor] = []
      for name in names {
        let key = "\(name).\(named.path)"
        guard let tensor = remaining.removeValue(forKey: key) else {
          if step == nil { continue }
          throw .stateMismatch(
            name: key, expected: "shape \(named.parameter.shape)", found: "nothing")
        }
        guard tensor.shape == named.parameter.shape else {
          throw .stateMismatch(
            name: key, expected: "shape \(named.parameter.shape)", found: "shape \(tensor.shape)")
        }
        tensors.append(tensor.copied())
      }
      guard let step else {
        if tensors.isEmpty { continue }
        throw .stateMismatch(
          name: "step.\(named.path)", expected: "the number of steps", found: "nothing")
      }
      guard step.count == 1, let count = Int(exactly: step.item), count > 0 else {
        throw .stateMismatch(
          name: "step.\(named.path)", expected: "a positive number of steps", found: "\(step)")
      }
      restored[ObjectIdentifier(named.parameter)] = Entry(
        step: count, tensors: tensors, history: named.parameter.histories)
    }
    if let name = remaining.keys.min() {
      throw .stateMismatch(
        name: name, expected: "\(names.joined(separator: ", ")) and step of the parameters trained",
        found: "an entry of none of them")
    }
    entries = restored
  }
}
