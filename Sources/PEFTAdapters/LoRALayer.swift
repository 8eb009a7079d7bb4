public import PEFTTensor
public import PEFTTransformer

/// The trained matrices of LoRA beside one linear layer.
public final class LoRALayer: Module {
  /// A, `[R, N]`.
  public let a: Parameter
  /// B, `[M, R]`.
  public let b: Parameter
  /// The bias of B, `[M]`, or nil.
  public let bias: Parameter?
  /// The factor of the branch.
  public let scale: Float
  private let dropout: Float
  private unowned let adapter: LoRAAdapter

  init(
    a: Parameter, b: Parameter, bias: Parameter?, scale: Float, dropout: Float,
    adapter: LoRAAdapter
  ) {
    (self.a, self.b, self.bias) = (a, b, bias)
    (self.scale, self.dropout, self.adapter) = (scale, dropout, adapter)
  }

  /// The matrices, by PEFT's names.
  public var members: Members {
    [
      "lora_A.\(adapter.name).weight": a, "lora_B.\(adapter.name).weight": b,
      "lora_B.\(adapter.name).bias": bias,
    ]
  }

  /// Whether the branch is part of the forward pass.
  var isActive: Bool { adapter.isEffective }
  /// Whether this layer belongs to an adapter.
  func belongs(to adapter: LoRAAdapter) -> Bool { self.adapter === adapter }

  /// The branch, for one forward pass.
  func branch(_ context: ForwardContext) -> LowRankBranch {
    let isDropping = dropout > 0 && context.dropout != nil
    return LowRankBranch(
      a: a.tensor, b: b.tensor, bias: bias?.tensor, scale: scale,
      dropout: isDropping ? dropout : 0,
      dropoutKey: isDropping ? context.dropout?.next() ?? 0 : 0)
  }

  /// `s B A` in the layout of the base's weight.
  func delta(_ layout: WeightLayout) -> Tensor {
    withoutGradients {
      let product = b.value.matrixProduct(a.value) * scale
      return layout == .outputInput ? product : product.transposed
    }
  }
}

/// The trained matrices of LoRA beside one embedding: `y = W[id] + s B A[:, id]`.
public final class LoRAEmbeddingLayer: Module {
  /// A, `[R, V]`.
  public let a: Parameter
  /// B, `[D, R]`.
  public let b: Parameter
  /// The factor of the branch.
  public let scale: Float
  private unowned let adapter: LoRAAdapter

  init(a: Parameter, b: Parameter, scale: Float, adapter: LoRAAdapter) {
    (self.a, self.b, self.scale, self.adapter) = (a, b, scale, adapter)
  }

  /// The matrices, by PEFT's names.
  public var members: Members {
    ["lora_embedding_A.\(adapter.name)": a, "lora_embedding_B.\(adapter.name)": b]
  }

  /// Whether the branch is part of the forward pass.
  var isActive: Bool { adapter.isEffective }
  /// Whether this layer belongs to an adapter.
  func belongs(to adapter: LoRAAdapter) -> Bool { self.adapter === adapter }

  /// What the branch adds to the rows of these ids.
  func branch(_ ids: Indices) -> Tensor {
    a.tensor.transposed.rows(at: ids).linear(weight: b.tensor) * scale
  }

  /// `s (B A)^T`, as the table lies.
  func delta() -> Tensor {
    withoutGradients { b.value.matrixProduct(a.value).transposed * scale }
  }
}

/// The adapters of one linear layer; the active ones are added up.
final class LinearSlot: LinearAdapter {
  var layers: [LoRALayer] = []

  var members: Members { layers.reduce([:]) { $0.joined(with: $1.members) } }

  func forward(_ input: Tensor, base: Linear, _ context: ForwardContext) -> Tensor {
    base.project(input, branches: layers.filter(\.isActive).map { $0.branch(context) })
  }
}

/// The adapters of one embedding; the active ones are added up.
final class EmbeddingSlot: EmbeddingAdapter {
  var layers: [LoRAEmbeddingLayer] = []

  var members: Members { layers.reduce([:]) { $0.joined(with: $1.members) } }

  func forward(_ ids: Indices, base: Embedding, _ context: ForwardContext) -> Tensor {
    layers.filter(\.isActive).reduce(base.lookUp(ids)) { $0 + $1.branch(ids) }
  }
}
