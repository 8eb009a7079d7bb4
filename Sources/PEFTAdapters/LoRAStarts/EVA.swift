import PEFTTensor
public import PEFTTransformer

/// How the start of a LoRA is found from what comes into the layers, and how ranks are dealt out by it.
///
/// "Explained Variance Adaptation" (arXiv 2410.07170): A holds the directions in which the inputs of a layer vary most, B is zero. The
/// ranks of all layers together are given to the directions with the largest shares of their layer's variance. As in PEFT, without whitening.
public struct EVA: Sendable, Hashable {
  /// How many times its rank a layer may get; 1 leaves the ranks as they are.
  public var rho: Double
  /// The cosine from which a direction counts as found.
  public var tau: Double
  /// Whether alpha grows and shrinks with the rank, so that the scale stays.
  public var adjustsAlpha: Bool
  /// How often the batches are gone through at most.
  public var passes: Int

  /// Settings, with the defaults of PEFT, which goes through the batches until every direction is found.
  public init(rho: Double = 2, tau: Double = 0.99, adjustsAlpha: Bool = true, passes: Int = 10) {
    (self.rho, self.tau, self.adjustsAlpha, self.passes) = (rho, tau, adjustsAlpha, passes)
  }
}

extension CausalLM {
  /// Attaches a LoRA that starts with the main directions of the inputs of its layers.
  ///
  /// - Parameters:
  ///   - method: the settings; how A and B start is given. Layers that get no rank are not adapted.
  ///   - settings: of how the directions are found.
  ///   - name: of the adapter.
  ///   - batches: of the data that it will be trained on; places without a label are not looked at.
  /// - Returns: the adapter, active; its settings hold the ranks that were dealt out.
  /// - Throws: `AdapterError` as `attach`, for settings out of range, for no batch with enough labels, and where another adapter is attached.
  @discardableResult
  public func attach(
    _ method: LoRA, _ settings: EVA, name: String = "default", batches: [TokenBatch]
  ) throws(AdapterError) -> Adapter {
    if !(settings.rho >= 1 && settings.rho <= 1000 && (0...1).contains(settings.tau))
      || settings.passes < 1
    {
      throw .invalidSetting(
        "eva_config", expected: "rho from 1 to 1000, tau from 0 to 1, passes from 1",
        found: "\(settings)")
    }
    if let other = adapters.names.first {
      throw .wrongState(
        "\"\(other)\" is attached; detach it, so that the inputs are those of the base")
    }
    var method = method
    method.initialization = .eva
    let started = try StartedLoRA(method, self, name: name)
    var search = InputDirections(started, settings)
    for _ in 0..<settings.passes where !search.isDone {
      for batch in batches where !search.isDone {
        var failure: LinearAlgebraError?
        started.recording({ index, input in
          do throws(LinearAlgebraError) {
            try search.add(withoutGradients { batch.labelled(input) }, at: index)
          } catch { failure = failure ?? error }
        }) { _ = evaluate(batch) }
        if let failure { throw .notAdaptable(module: "the model", reason: "\(failure)") }
      }
    }
    return try search.attached(self, name)
  }
}

extension TokenBatch {
  /// The rows of the places that have a label, of all places or those without padding.
  fileprivate func labelled(_ input: Tensor) -> Tensor {
    let length = ids.shape[1]
    let whole = Array(ids.values.indices)
    let kept = whole.filter { keys[$0 / length].contains($0 % length) }
    let places = input.rows == whole.count ? whole : kept
    let chosen = places.enumerated().filter {
      labels.values[$0.element] != Self.ignored
        && keys[$0.element / length].contains($0.element % length)
    }
    return input.matrix.rows(
      at: Indices(chosen.map { Int32($0.offset) }, shape: [chosen.count]))
  }
}
