public import PEFTTensor
import XCTest

/// Proves an operation and its backward against a reference in double precision.
///
/// Forward is compared with the reference, the gradient of a randomly weighted sum of the output with central
/// differences of the reference. Then the rules that every operation keeps: inputs do not change, each gradient is the
/// same where it is the only one wanted, frozen inputs get none, a second pass adds to the first, and views with gaps
/// between their rows give what tensors without gaps give.
///
/// - Parameters:
///   - inputs: the operands; contiguous.
///   - length: how many terms the longest sum in the operation has.
///   - ulps: an error of `ulps * 2^-23 * sqrt(length)` times the largest element is allowed.
///   - samples: how many elements of each input have their gradient compared with differences.
///   - file: where a failure is reported.
///   - line: where a failure is reported.
///   - operation: gets the inputs, in this or another layout.
///   - reference: gets the elements of the inputs, gives those of the output.
public func checkOp(
  _ inputs: [Tensor], length: Int = 1, ulps: Double = 8, samples: Int = 40,
  file: StaticString = #filePath, line: UInt = #line,
  _ operation: @escaping ([Tensor]) -> Tensor, reference: @escaping ([[Double]]) -> [Double]
) {
  OpCheck(
    inputs: inputs, tolerance: ulps * Double(Float.ulpOfOne) * Double(max(1, length)).squareRoot(),
    samples: samples, operation: operation, reference: reference, file: file, line: line
  ).run()
}

private struct OpCheck {
  let inputs: [Tensor]
  let tolerance: Double
  let samples: Int
  let operation: ([Tensor]) -> Tensor
  let reference: ([[Double]]) -> [Double]
  let file: StaticString
  let line: UInt

  func run() {
    let before = inputs.map(\.array)
    let values = before.map { $0.map(Double.init) }
    let output = operation(inputs)
    let expected = reference(values)
    XCTAssertFalse(output.needsGradient, "recorded without need", file: file, line: line)
    compare(output.array, expected, "forward")

    var random = SeededRandom(77)
    let weights = random.tensor(output.shape)
    let all = gradients(of: Set(inputs.indices), weights, passes: 1)
    compareWithDifferences(all, values, weights.array.map(Double.init))
    compareNeeds(all, weights)
    compare(
      gradients(of: Set(inputs.indices), weights, passes: 2).flatMap { $0 ?? [] },
      all.flatMap { $0 ?? [] }.map { 2 * Double($0) }, "gradient of two passes")
    compareViews(expected, all, weights, &random)
    XCTAssertEqual(
      inputs.map { $0.array.map(\.bitPattern) }, before.map { $0.map(\.bitPattern) },
      "an input changed", file: file, line: line)
  }

  /// The gradients of the trainable inputs, in row-major order.
  private func gradients(
    of trainable: Set<Int>, _ weights: Tensor, passes: Int
  ) -> [[Float]?] {
    let parameters = inputs.indices.map {
      Parameter(inputs[$0], isTrainable: trainable.contains($0))
    }
    for _ in 0..<passes { operation(parameters.map(\.tensor)).backward(gradient: weights) }
    for parameter in parameters {
      if let gradient = parameter.gradient {
        XCTAssertEqual(gradient.shape, parameter.shape, "gradient shape", file: file, line: line)
      }
    }
    return parameters.map { $0.gradient?.array }
  }

  private func compareWithDifferences(
    _ gradients: [[Float]?], _ values: [[Double]], _ weights: [Double]
  ) {
    func loss(_ values: [[Double]]) -> Double {
      zip(reference(values), weights).reduce(0) { $0 + $1.0 * $1.1 }
    }
    for (index, gradient) in gradients.enumerated() {
      guard let gradient else {
        XCTAssert(
          inputs[index].count == 0 || weights.isEmpty, "no gradient of input \(index)",
          file: file, line: line)
        continue
      }
      let scale = gradient.map { Double(abs($0)) }.max() ?? 0
      let step = max(1, gradient.count / max(1, samples)) | 1
      for place in stride(from: 0, to: gradient.count, by: step) {
        var moved = values
        let h = 1e-5 * max(1, abs(values[index][place]))
        moved[index][place] = values[index][place] + h
        let above = loss(moved)
        moved[index][place] = values[index][place] - h
        let slope = (above - loss(moved)) / (2 * h)
        let allowed = 4 * tolerance * max(scale, abs(slope)) + 1e-7
        if !(abs(Double(gradient[place]) - slope) <= allowed) {
          XCTFail(
            "gradient of input \(index), element \(place), is \(gradient[place]), "
              + "expected \(slope) within \(allowed)", file: file, line: line)
          break
        }
      }
    }
  }

  private func compareNeeds(_ all: [[Float]?], _ weights: Tensor) {
    guard inputs.count > 1 else { return }
    for index in inputs.indices {
      let alone = gradients(of: [index], weights, passes: 1)
      for other in inputs.indices where other != index {
        XCTAssertNil(alone[other], "frozen input \(other)", file: file, line: line)
      }
      compare(
        alone[index] ?? [], (all[index] ?? []).map(Double.init), "gradient of input \(index) alone")
    }
  }

  /// Each input as columns of a wider tensor, and the gradient of the output as well.
  private func compareViews(
    _ expected: [Double], _ all: [[Float]?], _ weights: Tensor, _ random: inout SeededRandom
  ) {
    let wide = inputs.map { Parameter(widened($0, &random)) }
    let views = zip(wide, inputs).map { wide, input in
      input.shape.isEmpty ? wide.tensor : wide.tensor.columns(1..<1 + input.columns)
    }
    let output = operation(views)
    compare(output.array, expected, "forward of views")
    let seed =
      weights.shape.isEmpty ? weights : widened(weights, &random).columns(1..<1 + weights.columns)
    output.backward(gradient: seed)
    for (index, input) in inputs.enumerated() {
      guard let expected = all[index], let gradient = wide[index].gradient else { continue }
      let part = input.shape.isEmpty ? gradient : gradient.columns(1..<1 + input.columns)
      compare(part.array, expected.map(Double.init), "gradient of input \(index) as a view")
      XCTAssertEqual(
        gradient.array.count { $0 != 0 }, part.array.count { $0 != 0 },
        "gradient outside the view of input \(index)", file: file, line: line)
    }
  }

  private func widened(_ tensor: Tensor, _ random: inout SeededRandom) -> Tensor {
    if tensor.shape.isEmpty { return tensor }
    let (rows, columns) = (tensor.rows, tensor.columns)
    let values = tensor.array
    var wide: [Float] = []
    for row in 0..<rows {
      wide += random.floats(1, in: 5...9) + values[row * columns..<(row + 1) * columns]
      wide += random.floats(2, in: 5...9)
    }
    return Tensor(wide, shape: tensor.shape.dropLast() + [columns + 3])
  }

  private func compare(_ actual: [Float], _ expected: [Double], _ message: String) {
    let scale = expected.lazy.filter(\.isFinite).map(abs).max() ?? 0
    expectClose(
      actual, expected, absolute: tolerance * scale + 1e-30, message, file: file, line: line)
  }
}
