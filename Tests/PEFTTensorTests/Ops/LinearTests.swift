import PEFTTensor
import PEFTTestSupport
import XCTest

final class LinearTests: XCTestCase {
  func testAwkwardShapesInBothLayouts() {
    for layout in [WeightLayout.outputInput, .inputOutput] {
      for shape in [[1, 1], [3, 5], [1, 7], [2, 3, 4], [0, 4], [6]] {
        for outputs in [1, 3, 8] {
          for hasBias in [false, true] {
            check(shape, outputs: outputs, hasBias: hasBias, layout: layout)
          }
        }
      }
    }
  }

  func testProductsThatAreSharedByThreads() {
    // Cut along the rows, along the columns, and one row.
    check([96, 33], outputs: 90, hasBias: true, samples: 3)
    check([20, 65], outputs: 256, hasBias: true, layout: .inputOutput, samples: 3)
    check([1, 600], outputs: 500, hasBias: false, samples: 3)
  }

  func testLowRankBranches() {
    for layout in [WeightLayout.outputInput, .inputOutput] {
      check(
        [4, 5], outputs: 3, hasBias: true, layout: layout, branches: [.init(rank: 2, scale: 0.5)])
      check(
        [2, 3, 7], outputs: 5, hasBias: false, layout: layout,
        branches: [.init(rank: 1, scale: 2), .init(rank: 4, scale: -1.5, hasBias: true)])
    }
    check([1, 1], outputs: 1, hasBias: false, branches: [.init(rank: 1, scale: 1, hasBias: true)])
    check([0, 3], outputs: 2, hasBias: true, branches: [.init(rank: 2, scale: 1, hasBias: true)])
  }

  func testLowRankBranchesOfManyRows() {
    for layout in [WeightLayout.outputInput, .inputOutput] {
      check(
        [2, 70, 90], outputs: 120, hasBias: false, layout: layout,
        branches: [.init(rank: 8, scale: 2)], samples: 2)
    }
  }

  func testLowRankBranchesWithDropout() {
    check([5, 9], outputs: 4, hasBias: true, branches: [.init(rank: 3, scale: 2, dropout: 0.4)])
    check(
      [3, 8], outputs: 2, hasBias: false,
      branches: [
        .init(rank: 2, scale: 1, dropout: 0.25, key: 5),
        .init(rank: 2, scale: 0.5, dropout: 0.5, key: 6, hasBias: true),
      ])
  }

  func testLowRankBranchesOfSomeRows() {
    check(
      [2, 4, 5], outputs: 3, hasBias: true,
      branches: [
        .init(rank: 2, scale: 0.5, rows: [0..<2, 5..<8]),
        .init(rank: 1, scale: 2, hasBias: true, rows: [2..<5]),
        .init(rank: 3, scale: -1), .init(rank: 2, scale: 1, rows: [3..<3, 7..<8]),
      ])
  }

  /// A frozen map costs no node.
  func testFrozenMapRecordsNothing() {
    let weight = Parameter(Tensor(zeros: [2, 3]), isTrainable: false)
    XCTAssertFalse(Tensor(zeros: [1, 3]).linear(weight: weight.tensor).needsGradient)
  }

  private struct Branch {
    var rank: Int
    var scale: Float
    var dropout: Float = 0
    var key: UInt64 = 1
    var hasBias = false
    var rows: [Range<Int>]?
  }

  private func check(
    _ shape: [Int], outputs m: Int, hasBias: Bool, layout: WeightLayout = .outputInput,
    branches: [Branch] = [], samples: Int = 40, file: StaticString = #filePath, line: UInt = #line
  ) {
    var random = SeededRandom(UInt64(shape.count * 100 + m))
    let n = shape[shape.count - 1]
    let rows = shape.dropLast().reduce(1, *)
    var inputs = [
      random.tensor(shape), random.tensor(layout == .outputInput ? [m, n] : [n, m]),
    ]
    if hasBias { inputs.append(random.tensor([m])) }
    for branch in branches {
      inputs += [random.tensor([branch.rank, n]), random.tensor([m, branch.rank])]
      if branch.hasBias { inputs.append(random.tensor([m])) }
    }
    let masks = branches.map { branch in
      Tensor(repeating: 1, shape: shape).dropout(branch.dropout, key: branch.key).array
        .map(Double.init)
    }
    checkOp(inputs, length: max(n, rows), samples: samples, file: file, line: line) { inputs in
      var rest = inputs[2...]
      let bias = hasBias ? rest.removeFirst() : nil
      let low = branches.map { branch in
        var low = LowRankBranch(
          a: rest.removeFirst(), b: rest.removeFirst(),
          bias: branch.hasBias ? rest.removeFirst() : nil, scale: branch.scale,
          dropout: branch.dropout, dropoutKey: branch.key)
        low.rows = branch.rows
        return low
      }
      let result = inputs[0].linear(weight: inputs[1], bias: bias, layout: layout, branches: low)
      XCTAssertEqual(result.shape, shape.dropLast() + [m], file: file, line: line)
      return result
    } reference: { values in
      var rest = values[2...]
      let x = DoubleMatrix(values[0], rows: rows, columns: n)
      let weight =
        layout == .outputInput
        ? DoubleMatrix(values[1], rows: m, columns: n).transposed
        : DoubleMatrix(values[1], rows: n, columns: m)
      var y = x * weight
      func add(_ bias: [Double], _ scale: Double, _ chosen: [Range<Int>]? = nil) {
        for index in y.values.indices
        where chosen?.contains(where: { $0.contains(index / m) }) ?? true {
          y.values[index] += scale * bias[index % m]
        }
      }
      if hasBias { add(rest.removeFirst(), 1) }
      for (branch, mask) in zip(branches, masks) {
        let dropped = DoubleMatrix(zip(values[0], mask).map(*), rows: rows, columns: n)
        let a = DoubleMatrix(rest.removeFirst(), rows: branch.rank, columns: n)
        let b = DoubleMatrix(rest.removeFirst(), rows: m, columns: branch.rank)
        let part = dropped * a.transposed * b.transposed
        let scale = Double(branch.scale)
        for index in y.values.indices
        where branch.rows?.contains(where: { $0.contains(index / m) }) ?? true {
          y.values[index] += scale * part.values[index]
        }
        if branch.hasBias { add(rest.removeFirst(), scale, branch.rows) }
      }
      return y.values
    }
  }
}
