import PEFTTensor
import PEFTTransformer

/// The running moments that an optimiser keeps of each of its parameters, and how many steps each has taken.
struct Moments {
  /// What is kept for one parameter, in the order of `names`.
  struct Entry {
    var step = 0
    let moments: [Moment]
    /// That of the parameter to which this belongs.
    var history: Int
  }

  /// The names of the moments in a saved state.
  private let names: [String]
  private let parameters: [NamedParameter]
  /// How the moments of a parameter with so many elements are kept.
  private let formats: (Int) -> [MomentFormat]
  private var entries: [ObjectIdentifier: Entry] = [:]
  private var mapping: MappedMoments?

  init(
    _ names: [String], for groups: [ParameterGroup],
    formats: ((_ elements: Int) -> [MomentFormat])? = nil
  ) {
    self.names = names
    self.formats = formats ?? { _ in names.map { _ in .float32 } }
    parameters = groups.flatMap(\.parameters)
    precondition(
      Set(parameters.map { ObjectIdentifier($0.parameter) }).count == parameters.count
        && Set(parameters.map(\.path)).count == parameters.count,
      "Optimizer: a parameter or a path occurs twice in the groups")
  }

  /// Runs the body for every parameter that has a gradient, with its entry, whose step is raised by one.
  mutating func forEachGradient(
    _ groups: [ParameterGroup], _ body: (ParameterGroup, Parameter, Tensor, Entry) -> Void
  ) {
    for group in groups {
      for parameter in group.parameters.map(\.parameter) {
        guard let gradient = parameter.gradient else { continue }
        body(group, parameter, gradient, advance(parameter))
        mapping?.release(parameter)
      }
    }
  }

  private mutating func advance(_ parameter: Parameter) -> Entry {
    var entry =
      current(parameter)
      ?? Entry(moments: made(parameter), history: parameter.histories)
    entry.step += 1
    entries[ObjectIdentifier(parameter)] = entry
    return entry
  }

  /// The entry of a parameter, unless it is of an earlier history.
  private func current(_ parameter: Parameter) -> Entry? {
    entries[ObjectIdentifier(parameter)].flatMap {
      $0.history == parameter.histories ? $0 : nil
    }
  }

  /// Moments that are zero.
  private func made(_ parameter: Parameter) -> [Moment] {
    if let mapping { return mapping.zeros(parameter) }
    return formats(parameter.count).map { Moment(zeros: parameter.shape, $0) }
  }
}

// MARK: Saving

extension Moments {
  var state: OptimizerState {
    OptimizerState(
      entries: parameters.compactMap { named in
        guard let entry = current(named.parameter) else { return nil }
        defer { mapping?.release(named.parameter) }
        return OptimizerState.Entry(
          path: named.path, step: entry.step,
          moments: zip(names, entry.moments).map { name, moment in
            OptimizerState.Moment(
              name: name, shape: named.parameter.shape, content: moment.content)
          })
      })
  }

  mutating func restore(_ tensors: [String: Tensor]) throws(TrainingError) {
    let paths = parameters.map { ($0.path, $0.parameter.shape, formats($0.parameter.count)) }
    try restore(OptimizerState(tensors, paths: paths, names: names))
  }

  mutating func restore(_ state: OptimizerState) throws(TrainingError) {
    var waiting: [String: OptimizerState.Entry] = [:]
    for entry in state.entries { waiting[entry.path] = entry }
    let found = parameters.compactMap { named in
      waiting.removeValue(forKey: named.path).map { (named.parameter, $0) }
    }
    if let path = waiting.keys.min() {
      throw .stateMismatch(
        name: path, expected: "one of the parameters trained", found: "none of them")
    }
    for (parameter, entry) in found { try check(entry, parameter) }
    entries = [:]
    for (parameter, entry) in found {
      let moments = made(parameter)
      for (moment, saved) in zip(moments, entry.moments) { moment.set(saved.content) }
      mapping?.release(parameter)
      entries[ObjectIdentifier(parameter)] = Entry(
        step: entry.step, moments: moments, history: parameter.histories)
    }
  }

  private func check(
    _ entry: OptimizerState.Entry, _ parameter: Parameter
  ) throws(TrainingError) {
    if entry.step <= 0 {
      throw .stateMismatch(
        name: "step.\(entry.path)", expected: "a positive number of steps",
        found: "\(entry.step)")
    }
    let formats = formats(parameter.count)
    guard entry.moments.map(\.name) == names else {
      throw .stateMismatch(
        name: entry.path, expected: names.joined(separator: ", "),
        found: entry.moments.map(\.name).joined(separator: ", "))
    }
    for (moment, format) in zip(entry.moments, formats) {
      guard moment.shape == parameter.shape, format.fits(moment.content, parameter.count) else {
        throw .stateMismatch(
          name: "\(moment.name).\(entry.path)", expected: "shape \(parameter.shape)",
          found: "shape \(moment.shape), or elements in another form or number")
      }
    }
  }
}

// MARK: Mapped memory

extension Moments {
  /// Moves everything into a file in a folder.
  mutating func map(in folder: String) throws(TrainingError) {
    let mapping = try MappedMoments(parameters.map(\.parameter), formats, folder: folder)
    for parameter in parameters.map(\.parameter) {
      guard let entry = current(parameter) else { continue }
      let moments = mapping.zeros(parameter)
      for (new, old) in zip(moments, entry.moments) { new.set(old.content) }
      mapping.release(parameter)
      entries[ObjectIdentifier(parameter)] = Entry(
        step: entry.step, moments: moments, history: entry.history)
    }
    self.mapping = mapping
  }
}
