import PEFTTensor
import PEFTTransformer

/// The two moments of parameters in eight bits, and how they are saved: codes and scales as numbers.
struct EightBitMoments {
  /// What is kept for one parameter.
  struct Entry {
    var step = 0
    let first: EightBitTensor
    let second: EightBitTensor
    /// That of the parameter to which this belongs.
    var history = 0
  }

  private let parameters: [NamedParameter]
  private var entries: [ObjectIdentifier: Entry] = [:]

  init(_ parameters: [NamedParameter]) { self.parameters = parameters }

  /// The entry of a parameter with the step raised by one; made of zeros where there is none for its present history.
  mutating func advance(_ parameter: Parameter) -> Entry {
    let key = ObjectIdentifier(parameter)
    var entry =
      current(parameter)
      ?? Entry(
        first: EightBitTensor(zeros: parameter.count, map: .signed),
        second: EightBitTensor(zeros: parameter.count, map: .unsigned),
        history: parameter.histories)
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
      for (number, moment) in [(1, entry.first), (2, entry.second)] {
        state["state\(number).\(named.path)"] = Tensor(
          moment.codes.map(Float.init), shape: named.parameter.shape)
        state["absmax\(number).\(named.path)"] = Tensor(moment.scales)
      }
    }
    return state
  }

  /// Takes what belongs to these parameters.
  ///
  /// - Returns: the rest.
  mutating func restore(_ state: [String: Tensor]) throws(TrainingError) -> [String: Tensor] {
    var remaining = state
    var restored: [ObjectIdentifier: Entry] = [:]
    for named in parameters {
      // Without a step there is nothing; what is there all the same stays in the rest, which is then refused.
      guard let step = remaining.removeValue(forKey: "step.\(named.path)") else { continue }
      guard step.count == 1, let count = Int(exactly: step.item), count > 0 else {
        throw .stateMismatch(
          name: "step.\(named.path)", expected: "a positive number of steps", found: "\(step)")
      }
      restored[ObjectIdentifier(named.parameter)] = Entry(
        step: count, first: try Self.moment(1, .signed, named, &remaining),
        second: try Self.moment(2, .unsigned, named, &remaining),
        history: named.parameter.histories)
    }
    entries = restored
    return remaining
  }

  private static func moment(
    _ number: Int, _ map: DynamicMap, _ named: NamedParameter, _ state: inout [String: Tensor]
  ) throws(TrainingError) -> EightBitTensor {
    let count = named.parameter.count
    let blocks = (count + EightBitTensor.blockSize - 1) / EightBitTensor.blockSize
    func take(_ name: String, _ shape: [Int]) throws(TrainingError) -> [Float] {
      let key = "\(name)\(number).\(named.path)"
      guard let tensor = state.removeValue(forKey: key) else {
        throw .stateMismatch(name: key, expected: "shape \(shape)", found: "nothing")
      }
      guard tensor.shape == shape else {
        throw .stateMismatch(
          name: key, expected: "shape \(shape)", found: "shape \(tensor.shape)")
      }
      return tensor.array
    }
    let codes = try take("state", named.parameter.shape)
    let bytes = codes.compactMap { UInt8(exactly: $0) }
    guard bytes.count == count else {
      throw .stateMismatch(
        name: "state\(number).\(named.path)", expected: "codes from 0 to 255",
        found: "another number")
    }
    return EightBitTensor(codes: bytes, scales: try take("absmax", [blocks]), map: map)
  }
}
