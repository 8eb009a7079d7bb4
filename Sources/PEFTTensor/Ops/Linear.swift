/// How the matrix of a linear map lies in memory.
public enum WeightLayout: Sendable, Hashable {
  /// `[M, N]`, outputs first: PyTorch's `Linear`.
  case outputInput
  /// `[N, M]`, inputs first: GPT-2's `Conv1D`.
  case inputOutput
}

/// A product of two narrow matrices beside a linear map: `scale * (dropout(x) A^T B^T + bias)`.
///
/// LoRA's branch (arXiv 2106.09685).
public struct LowRankBranch {
  /// `[R, N]`.
  public var a: Tensor
  /// `[M, R]`.
  public var b: Tensor
  /// `[M]`, or nil.
  public var bias: Tensor?
  /// Multiplies the whole branch.
  public var scale: Float
  /// The probability of an input element to be dropped.
  public var dropout: Float
  /// Chooses the mask of dropout.
  public var dropoutKey: UInt64
  /// Ranges of the rows of the flattened input that the branch is for, in order; nil for all.
  public var rows: [Range<Int>]?

  /// Joins the two matrices and the settings of a branch.
  public init(
    a: Tensor, b: Tensor, bias: Tensor? = nil, scale: Float, dropout: Float = 0,
    dropoutKey: UInt64 = 0
  ) {
    (self.a, self.b, self.bias) = (a, b, bias)
    (self.scale, self.dropout, self.dropoutKey) = (scale, dropout, dropoutKey)
  }
}

extension Tensor {
  /// The affine map `x W^T + bias`, and low-rank branches beside it: `[..., N]` gives `[..., M]`.
  ///
  /// Saves x where the weight or the A of a branch is trained, and `dropout(x) A^T` (`[rows, R]`) of each branch whose B is. 2 N M flops a row, and 2 R (N + M) a branch; backward
  /// the same for the gradient of x, and again for W where it is trainable.
  ///
  /// - Parameters:
  ///   - weight: `[M, N]`, or `[N, M]` with the layout `.inputOutput`.
  ///   - bias: `[M]`, or nil.
  ///   - layout: how the weight lies.
  ///   - branches: are added to the result.
  /// - Returns: `[..., M]`.
  public func linear(
    weight: Tensor, bias: Tensor? = nil, layout: WeightLayout = .outputInput,
    branches: [LowRankBranch] = []
  ) -> Tensor {
    precondition(weight.shape.count == 2, "linear: weight \(weight.shape) is no matrix")
    return linear(.tensor(weight, layout), bias: bias, branches: branches)
  }

  /// The same affine map, with a weight in any storage.
  ///
  /// - Parameters:
  ///   - weight: M outputs, N inputs.
  ///   - bias: `[M]`, or nil.
  ///   - branches: are added to the result.
  /// - Returns: `[..., M]`.
  public func linear(
    _ weight: WeightOperand, bias: Tensor? = nil, branches: [LowRankBranch] = []
  ) -> Tensor {
    let outputs = weight.outputs
    precondition(
      weight.inputs == columns && bias?.shape ?? [outputs] == [outputs],
      "linear: input \(shape), weight [\(outputs), \(weight.inputs)], bias \(bias?.shape ?? [])")
    let x = matrix
    let result = Tensor(uninitialized: [x.rows, outputs])
    weight.multiply(x.detached, to: result)
    if let bias { Kernels.addRow(bias, to: result) }
    let parts = branches.map { LowRankPart($0, x: x, adding: result) }
    let isTrained = weight.tensor?.needsGradient ?? false
    let savedX = isTrained || branches.contains(where: \.a.needsGradient) ? x.detached : nil
    let savedWeight = weight.detached
    let inputs: [Tensor?] =
      [x, weight.tensor, bias]
      + branches.flatMap { branch -> [Tensor?] in [branch.a, branch.b, branch.bias] }
    return result.recorded(from: inputs) { gradient, inputs in
      let dy = gradient
      inputs[0]?.accumulate { dx, beta in
        savedWeight.multiplyTransposed(dy, to: dx, beta: beta)
      }
      if let savedX {
        inputs[1]?.accumulate { dw, beta in
          savedWeight.multiplyGradient(dy, savedX, to: dw, beta: beta)
        }
      }
      inputs[2]?.accumulateFromZero { Kernels.addColumnSums(dy, into: $0) }
      for (index, part) in parts.enumerated() {
        part.backward(
          dy, x: savedX, toX: inputs[0], toA: inputs[3 + 3 * index], toB: inputs[4 + 3 * index],
          toBias: inputs[5 + 3 * index])
      }
    }
    .reshaped(shape.dropLast() + [outputs])
  }
}

/// One branch of a recorded linear map: what it saves, and its backward.
private struct LowRankPart {
  let branch: LowRankBranch
  /// `dropout(x) A^T`, `[rows, R]`, where B needs it for its gradient.
  let narrow: Tensor?

  init(_ branch: LowRankBranch, x: Tensor, adding output: Tensor) {
    let x = branch.rows.map(x.gatheredRows) ?? x
    let result = branch.rows == nil ? output : Tensor(zeros: [x.rows, output.columns])
    defer { if let rows = branch.rows { result.scatterRows(rows, into: output) } }
    let rank = branch.a.shape[0]
    precondition(
      branch.a.shape == [rank, x.columns] && branch.b.shape == [result.columns, rank],
      "linear: branch A \(branch.a.shape), B \(branch.b.shape) for \(x.shape) to \(result.shape)")
    var saved = branch
    saved.a = branch.a.detached
    saved.b = branch.b.detached
    saved.bias = branch.bias?.detached
    self.branch = saved
    let narrow = Tensor(uninitialized: [x.rows, rank])
    self.narrow = branch.b.needsGradient ? narrow : nil
    let input = x.detached.dropout(branch.dropout, key: branch.dropoutKey)
    Kernels.multiply(.init(input), .none, .init(saved.a), .transposed, to: .init(narrow))
    Kernels.multiply(
      .init(narrow), .none, .init(saved.b), .transposed, alpha: branch.scale, beta: 1,
      to: .init(result))
    if let bias = saved.bias { Kernels.addRow(bias.affine(branch.scale, 0), to: result) }
  }

  /// x is there where A needs a gradient.
  func backward(
    _ dy: Tensor, x: Tensor?, toX: GradientTarget?,
    toA: GradientTarget?, toB: GradientTarget?, toBias: GradientTarget?
  ) {
    let dy = branch.rows.map(dy.gatheredRows) ?? dy
    let x = branch.rows.flatMap { x?.gatheredRows($0) } ?? x
    if let narrow {
      toB?.accumulate { db, beta in
        Kernels.multiply(
          .init(dy), .transposed, .init(narrow), alpha: branch.scale, beta: beta, to: .init(db))
      }
    }
    toBias?.accumulateFromZero { destination in
      let sums = Tensor(zeros: destination.shape)
      Kernels.addColumnSums(dy, into: sums)
      Kernels.add(sums, scale: branch.scale, into: destination)
    }
    guard toA != nil || toX != nil else { return }
    let dNarrow = Tensor(uninitialized: [dy.rows, branch.a.shape[0]])
    Kernels.multiply(.init(dy), .none, .init(branch.b), alpha: branch.scale, to: .init(dNarrow))
    if let x {
      toA?.accumulate { da, beta in
        let input = x.dropout(branch.dropout, key: branch.dropoutKey)
        Kernels.multiply(.init(dNarrow), .transposed, .init(input), beta: beta, to: .init(da))
      }
    }
    if branch.dropout == 0, branch.rows == nil {
      toX?.accumulate { dx, beta in
        Kernels.multiply(.init(dNarrow), .none, .init(branch.a), beta: beta, to: .init(dx))
      }
    } else if let toX {
      let dx = Tensor(uninitialized: [dy.rows, branch.a.columns])
      Kernels.multiply(.init(dNarrow), .none, .init(branch.a), to: .init(dx))
      let dropped = dx.dropout(branch.dropout, key: branch.dropoutKey)
      if let rows = branch.rows {
        toX.accumulateFromZero { dropped.scatterRows(rows, into: $0) }
      } else {
        toX.accumulate(dropped)
      }
    }
  }
}
