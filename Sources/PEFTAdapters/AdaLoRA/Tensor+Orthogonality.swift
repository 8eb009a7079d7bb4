import PEFTTensor

extension Tensor {
  /// `|Q Q^T - I|` of rows `[R, N]`, or `|P^T P - I|` of columns `[M, R]`, or its square: a scalar.
  ///
  /// The gradient of the norm itself is 0 where it is 0. Saves the matrix and `[R, R]`; `2 R^2 N` flops, the same backward.
  func distanceFromOrthogonality(ofRows: Bool, squared: Bool) -> Tensor {
    let matrix = detached
    let defect = withoutGradients {
      let rows = ofRows ? matrix : matrix.transposed
      let gram = rows.linear(weight: rows)
      var values = gram.array
      for index in 0..<gram.rows { values[index * (gram.rows + 1)] -= 1 }
      return Tensor(values, shape: gram.shape)
    }
    let square = defect.sumOfSquares
    let norm = square.squareRoot()
    return Tensor(Float(squared ? square : norm)).recorded(from: [self]) { gradient, inputs in
      let factor = squared ? 4 : norm > 0 ? 2 / norm : 0
      let change = defect.affine(gradient.item * Float(factor), 0)
      inputs[0]?.accumulate(
        ofRows ? change.matrixProduct(matrix) : matrix.matrixProduct(change))
    }
  }
}
