import PEFTJSON
import PEFTTensor

extension CausalLM {
  /// By what rotary positions are divided: the factor of linear scaling, or 1; nil where positions are not rotary or are scaled otherwise.
  public var positionFactor: Double? {
    guard case .rotary(let scaling) = configuration.positions else { return nil }
    switch scaling.kind {
    case .standard: return 1
    case .linear(let factor): return factor
    case .dynamic, .llama3: return nil
    }
  }

  /// Divides rotary positions by a factor, so that longer sequences have positions in the range of the training (position
  /// interpolation, arXiv 2306.15595).
  ///
  /// The model computes something else from now on, which a fine-tuning is to make up for. It is saved as a `rope_scaling` of the kind
  /// `linear`. Divides once more where it was done before.
  ///
  /// - Parameter factor: usually the new length over the trained one, rounded up.
  /// - Throws: `ModelError.cannotInterpolate` where positions are not rotary or are scaled in another way, and for a factor that
  ///   is no positive number.
  public func interpolatePositions(by factor: Double) throws(ModelError) {
    guard factor > 0, factor.isFinite else {
      throw .cannotInterpolate(reason: "the factor is \(factor), not a positive number")
    }
    guard case .rotary(var scaling) = configuration.positions else {
      throw .cannotInterpolate(reason: "the positions of the model are learned, not rotary")
    }
    guard let before = positionFactor else {
      throw .cannotInterpolate(reason: "its positions are scaled in another way already")
    }
    scaling.kind = before * factor == 1 ? .standard : .linear(factor: before * factor)
    configuration.positions = .rotary(scaling)
    origin = origin.map { ModelOrigin(folder: $0.folder, json: $0.json.with(scaling)) }
    for layer in decoder.layers { layer.attention.rescalePositions(scaling) }
  }
}

extension JSON {
  /// A `config.json` with another scaling of rotary positions.
  fileprivate func with(_ scaling: RotaryScaling) -> JSON {
    let replaced = ["rope_scaling", "rope_parameters", "rope_theta"]
    let kept = (members ?? []).filter { !replaced.contains($0.name) }
    return .object(
      kept + [.init("rope_theta", .number(scaling.base))]
        + (scaling.json.map { [.init("rope_scaling", $0)] } ?? []))
  }
}
