import PEFTTensor

/// What an optimiser remembers of its parameters, exactly and as plain values.
package struct OptimizerState: Equatable, Sendable {
  /// What it remembers of one parameter.
  package struct Entry: Equatable, Sendable {
    /// The path of the parameter.
    package var path: String
    /// How many steps it has taken.
    package var step: Int
    /// The running moments, in the order of the optimiser.
    package var moments: [Moment]

    package init(path: String, step: Int, moments: [Moment]) {
      (self.path, self.step, self.moments) = (path, step, moments)
    }
  }

  /// A running moment.
  package struct Moment: Equatable, Sendable {
    /// What PyTorch or bitsandbytes calls it.
    package var name: String
    /// That of the parameter.
    package var shape: [Int]
    /// Its elements.
    package var content: Content

    package init(name: String, shape: [Int], content: Content) {
      (self.name, self.shape, self.content) = (name, shape, content)
    }
  }

  /// The elements of a moment in row-major order.
  package enum Content: Equatable, Sendable {
    /// In float32.
    case floats([Float])
    /// In eight bits, with a scale for each 256.
    case eightBit(codes: [UInt8], scales: [Float])
  }

  /// One entry for each parameter that has taken a step, in the order of the optimiser.
  package var entries: [Entry]

  package init(entries: [Entry]) { self.entries = entries }
}

/// An optimiser whose state is saved and restored exactly.
package protocol ResumableOptimizer: Optimizer {
  /// A copy of what it remembers.
  var exactState: OptimizerState { get }

  /// Takes over a state that the same kind of optimiser had for the same parameters.
  ///
  /// - Parameter state: as `exactState` gave it.
  /// - Throws: `TrainingError` where an entry belongs to no parameter or has another form; nothing is changed then.
  func restore(_ state: OptimizerState) throws(TrainingError)
}

// MARK: As tensors with names

extension OptimizerState {
  /// One tensor for each thing: `step.PATH`, `NAME.PATH`, and for eight bits codes as numbers and `absmaxN.PATH`.
  var tensors: [String: Tensor] {
    var result: [String: Tensor] = [:]
    for entry in entries {
      result["step.\(entry.path)"] = Tensor(Float(entry.step))
      for moment in entry.moments {
        switch moment.content {
        case .floats(let values):
          result["\(moment.name).\(entry.path)"] = Tensor(values, shape: moment.shape)
        case .eightBit(let codes, let scales):
          result["\(moment.name).\(entry.path)"] = Tensor(
            codes.map(Float.init), shape: moment.shape)
          result["\(Self.scales(moment.name)).\(entry.path)"] = Tensor(scales)
        }
      }
    }
    return result
  }

  /// The name of the scales of a moment, as `absmax1` of `state1`.
  private static func scales(_ name: String) -> String {
    "absmax" + name.drop { !$0.isNumber }
  }

  /// Reads `tensors` of an optimiser that keeps these moments of these parameters.
  init(
    _ tensors: [String: Tensor], paths: [(path: String, shape: [Int], formats: [MomentFormat])],
    names: [String]
  ) throws(TrainingError) {
    var remaining = tensors
    func take(_ key: String, _ shape: [Int]) throws(TrainingError) -> Tensor {
      guard let tensor = remaining.removeValue(forKey: key) else {
        throw .stateMismatch(name: key, expected: "shape \(shape)", found: "nothing")
      }
      guard tensor.shape == shape else {
        throw .stateMismatch(name: key, expected: "shape \(shape)", found: "shape \(tensor.shape)")
      }
      return tensor
    }
    entries = []
    for (path, shape, formats) in paths {
      guard let step = remaining.removeValue(forKey: "step.\(path)") else {
        if names.contains(where: { remaining["\($0).\(path)"] != nil }) {
          throw .stateMismatch(
            name: "step.\(path)", expected: "the number of steps", found: "nothing")
        }
        continue
      }
      guard step.count == 1, let count = Int(exactly: step.item), count > 0 else {
        throw .stateMismatch(
          name: "step.\(path)", expected: "a positive number of steps", found: "\(step)")
      }
      var moments: [Moment] = []
      for (name, format) in zip(names, formats) {
        let values = try take("\(name).\(path)", shape).array
        var content = Content.floats(values)
        if case .eightBit = format {
          let codes = values.compactMap { UInt8(exactly: $0) }
          guard codes.count == values.count else {
            throw .stateMismatch(
              name: "\(name).\(path)", expected: "codes from 0 to 255", found: "another number")
          }
          let blocks = EightBitTensor.blockCount(codes.count)
          let scales = try take("\(Self.scales(name)).\(path)", [blocks]).array
          content = .eightBit(codes: codes, scales: scales)
        }
        moments.append(Moment(name: name, shape: shape, content: content))
      }
      entries.append(Entry(path: path, step: count, moments: moments))
    }
    if let name = remaining.keys.min() {
      throw .stateMismatch(
        name: name, expected: "\(names.joined(separator: ", ")) and step of the parameters trained",
        found: "an entry of none of them")
    }
  }
}
