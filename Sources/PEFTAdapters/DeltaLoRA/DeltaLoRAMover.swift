public import PEFTTensor
import PEFTTransformer

/// Moves the weights of the base after every step of a Delta-LoRA adapter.
public final class DeltaLoRAMover: AdapterController {
  /// How many steps the optimiser has taken.
  public private(set) var step: Int
  private let method: DeltaLoRA
  private let places: [Place]
  private weak var adapter: Adapter?

  /// A layer, and the parameters that its W is computed from and kept in.
  private struct Place {
    let path: String
    let layer: DeltaLoRALayer
    let base: Linear
    /// Stands in for the weight; nil where W stays factored.
    let copy: Parameter?
  }

  init(_ method: DeltaLoRA, _ adapter: Adapter) {
    (self.method, self.adapter, step) = (method, adapter, method.completedSteps)
    places = adapter.layers(of: DeltaLoRALayer.self).compactMap { site, layer in
      site.linear.map { base in
        Place(
          path: site.path, layer: layer, base: base,
          copy: adapter.copies.first { !$0.isTrained && $0.base === base.weight }?.copy)
      }
    }
    move()
  }

  /// Whether W has moved.
  public var hasMoved: Bool { step > method.stillSteps }

  /// Keeps the factors where W begins to move with this step.
  public func parametersWillChange(gradientScale: Float) {
    guard step == method.stillSteps, hasGradients else { return }
    for place in places {
      place.layer.startA.value = place.layer.a.value.copied()
      place.layer.startB.value = place.layer.b.value.copied()
    }
  }

  /// Moves W.
  public func parametersDidChange(gradientScale: Float) {
    guard hasGradients else { return }
    step += 1
    move()
  }

  private var hasGradients: Bool { places.contains { $0.layer.b.gradient != nil } }

  /// `W_0 + lambda s (B A - B_c A_c)`.
  private func move() {
    guard hasMoved else { return }
    for place in places {
      place.layer.move()
      guard let copy = place.copy, let movement = place.layer.movement else { continue }
      let weight = place.base.weight.value
      let scale = place.layer.movementScale
      copy.value =
        place.base.layout == .outputInput
        ? weight.adding(movement.left, movement.right, scale: scale)
        : weight.adding(
          movement.right, movement.left, scale: scale, areTransposed: true)
    }
  }

  /// Writes a folder with the LoRA of rank 2 R that is the same, which Hugging Face PEFT loads.
  ///
  /// - Parameters:
  ///   - folder: is made where it does not exist.
  ///   - baseModel: the name or path of the base that the file mentions; nil for the folder of the model.
  /// - Returns: the folder that holds the files.
  /// - Throws: `AdapterError` where something cannot be written.
  @discardableResult
  public func export(
    to folder: String, baseModel: String? = nil
  ) throws(AdapterError) -> String {
    guard let adapter else { throw .wrongState("the adapter is gone") }
    let ratio = hasMoved ? Float(method.ratio) : 0
    let factors = places.map { place in
      let layer = place.layer
      return (
        place.path, Tensor.concatenated([layer.a.value, layer.startA.value], axis: 0),
        Tensor.concatenated(
          [layer.b.value.affine(1 + ratio, 0), layer.startB.value.affine(-ratio, 0)], axis: 1)
      )
    }
    return try adapter.export(
      LoRA(rank: 2 * method.rank, alpha: 2 * method.alpha), factors, to: folder,
      baseModel: baseModel)
  }

  /// The number of steps, and the factors that W began to move from.
  public var state: [String: Tensor] {
    var state = ["step": Tensor([Float(step)])]
    for place in places {
      state["start_A.\(place.path)"] = place.layer.startA.value.copied()
      state["start_B.\(place.path)"] = place.layer.startB.value.copied()
    }
    return state
  }

  /// Takes over what `state` gave, for the factors that the adapter has now.
  public func restore(_ state: [String: Tensor]) throws(AdapterError) {
    let expected = self.state
    guard state.mapValues(\.shape) == expected.mapValues(\.shape),
      let step = state["step"].flatMap({ Int(exactly: $0.item) }), step >= 0
    else {
      throw .invalidSetting(
        "state", expected: "a number of steps and the factors of \(places.count) layers",
        found: "\(state.count) tensors")
    }
    self.step = step
    for place in places {
      place.layer.startA.value = state["start_A.\(place.path)"]!.copied()
      place.layer.startB.value = state["start_B.\(place.path)"]!.copied()
      if !hasMoved {
        place.layer.movement = nil
        place.copy?.value = place.base.weight.value.copied()
      }
    }
    move()
  }
}

extension Adapter {
  /// What moves the base of a Delta-LoRA adapter; nil for another method.
  public var deltaMover: DeltaLoRAMover? { controller as? DeltaLoRAMover }
}
