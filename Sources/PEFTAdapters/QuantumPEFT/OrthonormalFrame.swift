import PEFTTensor

/// K orthonormal vectors of N coordinates as a function of fewer parameters.
struct OrthonormalFrame: Sendable {
  let kind: QuantumPEFT.Frame
  /// N.
  let width: Int
  /// K.
  let count: Int
  private let circuit: RotationCircuit?

  init(_ kind: QuantumPEFT.Frame, width: Int, count: Int) {
    (self.kind, self.width, self.count) = (kind, width, count)
    if case .pauli(let layers) = kind {
      circuit = RotationCircuit(width: width, layers: layers)
    } else {
      circuit = nil
    }
  }

  /// The parameters by the name of the frame: angles `[P]`, or what stands below the diagonal of S, its first K rows as a list row by row,
  /// and the others `[N - K, K]`.
  func entries(_ name: String) -> [TensorsBlueprint.Entry] {
    if let circuit { return [.init(name, [circuit.angleCount])] }
    return [
      .init("\(name)_top", [count * (count - 1) / 2]), .init(name, [width - count, count]),
    ]
  }

  /// Angles anywhere in the circle; small elements of S, for which the series converges fast.
  func initialValues(_ name: String, _ generator: inout Generator) -> [String: Tensor] {
    let entries = entries(name)
    return Dictionary(
      uniqueKeysWithValues: entries.map { entry in
        let value =
          circuit != nil
          ? Tensor(uniform: -Float.pi..<Float.pi, shape: entry.shape, using: &generator)
          : Tensor(
            normal: 0.5 / Float(width).squareRoot(), shape: entry.shape, using: &generator)
        return (entry.name, value)
      })
  }

  /// The vectors as rows, `[K, N]`.
  func rows(_ parameters: [Tensor]) -> Tensor {
    if let circuit { return parameters[0].frame(of: circuit, count: count) }
    let skew = skewColumns(top: parameters[0], bottom: parameters[1])
    if case .taylor(let order) = kind { return series(skew, order).transposed }
    return cayley(skew).transposed
  }

  /// The first K columns B of S below the diagonal, `[N, K]`: `S = B E^T - E B^T` with E the first K unit vectors.
  private func skewColumns(top: Tensor, bottom: Tensor) -> Tensor {
    // What stands on and above the diagonal is the zero behind the list.
    let table = Tensor.concatenated([top, Tensor(zeros: [1])], axis: 0)
    let zero = Int32(top.count)
    var ids: [Int32] = []
    for row in 0..<count {
      for column in 0..<count {
        ids.append(column < row ? Int32(row * (row - 1) / 2 + column) : zero)
      }
    }
    let square = table.reshaped([table.count, 1]).rows(at: Indices(ids))
      .reshaped([count, count])
    return width == count ? square : .concatenated([square, bottom], axis: 0)
  }

  /// `(1 + S + S^2 / 2 + ...) E`.
  private func series(_ b: Tensor, _ order: Int) -> Tensor {
    let turned = b.transposed
    var (term, sum) = (unit, unit)
    for power in 1...order {
      let upper = padded(turned.matrixProduct(term))
      term = (b.matrixProduct(term.prefixAxis(0..<count)) - upper) / Float(power)
      sum = sum + term
    }
    return sum
  }

  /// `(1 - S / 2)^-1 (1 + S / 2) E` by a system of 2 K equations: with `S = P Q^T` it is `E + P (1 - Q^T P / 2)^-1 Q^T E`.
  private func cayley(_ b: Tensor) -> Tensor {
    let top = b.prefixAxis(0..<count)
    let one = unit.prefixAxis(0..<count)
    let product = Tensor.concatenated(
      [
        Tensor.concatenated([top, -one], axis: 1),
        Tensor.concatenated([b.transposed.matrixProduct(b), -top.transposed], axis: 1),
      ], axis: 0)
    let system = identity(2 * count) - product / 2
    let solution = system.solving(.concatenated([one, top.transposed], axis: 0))
    return unit + b.matrixProduct(solution.prefixAxis(0..<count))
      - padded(solution.prefixAxis(count..<2 * count))
  }

  /// E, `[N, K]`.
  private var unit: Tensor { padded(identity(count)) }

  private func identity(_ size: Int) -> Tensor {
    var values = [Float](repeating: 0, count: size * size)
    for place in 0..<size { values[place * (size + 1)] = 1 }
    return Tensor(values, shape: [size, size])
  }

  /// E Y for `[K, K]`: zeros below.
  private func padded(_ matrix: Tensor) -> Tensor {
    width == count
      ? matrix : .concatenated([matrix, Tensor(zeros: [width - count, count])], axis: 0)
  }
}
