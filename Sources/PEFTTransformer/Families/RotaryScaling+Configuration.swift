import PEFTCheckpoints
import PEFTJSON

extension RotaryScaling {
  /// Reads `rope_theta` and `rope_scaling`, or the `rope_parameters` that join them in newer files.
  ///
  /// Where a file has both, `rope_scaling` counts, and a `rope_theta` inside before one outside, as in Transformers.
  init(_ file: ConfigurationFile, maximumPositions: Int) throws(CheckpointError) {
    let outer = try file.factor("rope_theta", default: 10_000)
    let older = try file.object("rope_scaling")
    let newer =
      older == nil || !file.has("rope_parameters") ? try file.object("rope_parameters") : nil
    guard let fields = older ?? newer else {
      self.init(base: outer)
      return
    }
    let base = try fields.factor("rope_theta", default: outer)
    if try fields.factor("partial_rotary_factor", default: 1) != 1 {
      throw fields.unsupported("partial_rotary_factor", hint: "only 1 is supported")
    }
    let name = fields.has("rope_type") ? "rope_type" : "type"
    let kind: Kind
    switch try fields.string(name, default: "default") {
    case "default": kind = .standard
    case "linear": kind = .linear(factor: try fields.factor("factor"))
    case "dynamic":
      kind = .dynamic(factor: try fields.stretchingFactor())
      // Transformers stretches from max_position_embeddings whatever this says.
      fields.ignore(["original_max_position_embeddings"])
    case "llama3":
      let (low, high) = (
        try fields.factor("low_freq_factor"), try fields.factor("high_freq_factor")
      )
      guard low < high else {
        throw fields.invalid(
          "high_freq_factor", expected: "more than low_freq_factor (\(low))", found: "\(high)")
      }
      kind = .llama3(
        factor: try fields.factor("factor"), lowFactor: low, highFactor: high,
        trainedPositions: try fields.positive(
          "original_max_position_embeddings", default: maximumPositions))
    default:
      throw fields.unsupported(name, hint: "supported are default, linear, dynamic, llama3")
    }
    fields.ignore(["type", "rope_type"])
    // Whatever else there is would change the frequencies, so that no mode of loading passes it over.
    try fields.requireAllRead()
    self.init(base: base, kind: kind)
  }

  /// The object `rope_scaling`; nil where nothing is stretched.
  var json: JSON? {
    switch kind {
    case .standard: nil
    case .linear(let factor):
      .object([.init("rope_type", .string("linear")), .init("factor", .number(factor))])
    case .dynamic(let factor):
      .object([.init("rope_type", .string("dynamic")), .init("factor", .number(factor))])
    case .llama3(let factor, let low, let high, let trained):
      .object([
        .init("rope_type", .string("llama3")), .init("factor", .number(factor)),
        .init("low_freq_factor", .number(low)), .init("high_freq_factor", .number(high)),
        .init("original_max_position_embeddings", .integer(trained)),
      ])
    }
  }
}

extension ConfigurationFile {
  /// The factor of dynamic stretching; below 1 the base would turn negative for long sequences.
  fileprivate func stretchingFactor() throws(CheckpointError) -> Double {
    let factor = try factor("factor")
    guard factor >= 1 else {
      throw invalid("factor", expected: "at least 1", found: "\(factor)")
    }
    return factor
  }
}
