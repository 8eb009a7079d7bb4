import PEFTTensor
import PEFTTestSupport
import XCTest

final class GraphTests: XCTestCase {
  // MARK: Adding up

  func testDiamondAddsUp() {
    let x = Parameter(Tensor([1, -2, 3]))
    let a = x.tensor * 2
    let (b, c) = (a * a, a + 5)
    (b * c + a).sum().backward()
    // f = 4 x^2 (2 x + 5) + 2 x, so f' = 24 x^2 + 40 x + 2.
    XCTAssertEqual(x.gradient?.array, [66, 18, 338])
  }

  func testTheSameTensorTwice() {
    let x = Parameter(Tensor([3, 4]))
    (x.tensor * x.tensor).sum().backward()
    XCTAssertEqual(x.gradient?.array, [6, 8])
    x.gradient = nil
    let y = x.tensor * 1
    (y + y).sum().backward()
    XCTAssertEqual(x.gradient?.array, [2, 2])
  }

  func testPathsOfDifferentLength() {
    let x = Parameter(Tensor([2]))
    var y = x.tensor
    for _ in 0..<10 { y = y + x.tensor }
    (y * x.tensor).sum().backward()
    XCTAssertEqual(x.gradient?.array, [44])
  }

  func testGradientsAccumulateOverPasses() {
    let x = Parameter(Tensor([1, 2]))
    for _ in 0..<3 { (x.tensor * x.tensor).sum().backward(scale: 0.5) }
    XCTAssertEqual(x.gradient?.array, [3, 6])
  }

  /// A node that first gets a gradient of another shape, and then others computed in place.
  func testOneTensorUnderSeveralShapes() {
    var random = SeededRandom(1)
    let weight = random.tensor([4, 3])
    checkOp([random.tensor([2, 3]), random.tensor([6])], length: 6) { inputs in
      let x = inputs[0] * 2
      // Deeper than the others, so its gradient is the first that reaches x.
      let late = inputs[1] * 2 * 2 * 2 * x.reshaped([6])
      return x.linear(weight: weight).sum() + x.columns(1..<2).sum() + late.sum()
    } reference: { values in
      let x = values[0].map { 2 * $0 }
      let w = weight.array.map(Double.init)
      let product =
        DoubleMatrix(x, rows: 2, columns: 3) * DoubleMatrix(w, rows: 4, columns: 3).transposed
      let late = zip(values[1], x).reduce(0) { $0 + 8 * $1.0 * $1.1 }
      return [product.values.reduce(late, +) + x[1] + x[4]]
    }
  }

  /// An operand whose columns are not those of the node that it is a view of.
  func testAWeightUnderAnotherShape() {
    let weight = Parameter(Tensor((1...6).map(Float.init)))
    let narrow = Parameter(Tensor([1, 2], shape: [2, 1, 1]))
    let x = Parameter(Tensor([1, -1, 2, 1, 3, 0, 2, 5], shape: [2, 4]))
    for _ in 0..<2 {
      let branch = LowRankBranch(
        a: narrow.tensor.reshaped([1, 2]), b: weight.tensor.reshaped([3, 2]).columns(0..<1),
        scale: 1)
      x.tensor.reshaped([4, 2]).linear(
        weight: weight.tensor.reshaped([3, 2]), branches: [branch]
      ).sum().backward()
    }
    // Columns of x sum to 8 and 5; x A^T to 18; the first column of B to 9.
    XCTAssertEqual(weight.gradient?.array, [26, 5, 26, 5, 26, 5].map { 2 * $0 })
    XCTAssertEqual(narrow.gradient?.array, [8 * 9, 5 * 9].map { 2 * $0 })
    XCTAssertEqual(x.gradient?.array, (0..<4).flatMap { _ in [9 + 9, 12 + 18].map { 2 * $0 } })
    XCTAssertEqual(x.gradient?.shape, [2, 4])
  }

  func testSeedWithGaps() {
    let x = Parameter(Tensor(zeros: [2, 2]))
    let seed = Tensor([1, 2, 9, 3, 4, 9], shape: [2, 3]).columns(0..<2)
    let y = x.tensor * 1
    (y.reshaped([4]) + 1).reshaped([2, 2]).backward(gradient: seed)
    x.tensor.backward(gradient: seed)
    XCTAssertEqual(x.gradient?.array, [2, 4, 6, 8])
    XCTAssertEqual(seed.array, [1, 2, 3, 4])
  }

  // MARK: Sharing memory

  func testAGradientThatIsSharedIsNotOverwritten() {
    let (x, y) = (Parameter(Tensor([1, 2])), Parameter(Tensor([3, -5])))
    let (a, b) = (x.tensor * 2, y.tensor * 3)
    // The sum hands one gradient to both; then `a` gets more, and relu may work in place.
    let sum = a + b
    (sum.activated(.relu) * 2 + a + a.activated(.relu) + b.activated(.tanh) * 0).sum().backward()
    XCTAssertEqual(x.gradient?.array, [8, 4])
    XCTAssertEqual(y.gradient?.array, [6, 0])
  }

  func testParametersThatShareAGradient() {
    let (x, y) = (Parameter(Tensor([1, 2])), Parameter(Tensor([3, 4])))
    (x.tensor + y.tensor).sum().backward()
    (x.tensor * 10).sum().backward()
    XCTAssertEqual(x.gradient?.array, [11, 11])
    XCTAssertEqual(y.gradient?.array, [1, 1])
  }

  func testAGradientThatSomebodyHoldsStaysAsItIs() {
    let x = Parameter(Tensor([1, 2]))
    let weight = Parameter(Tensor([1, 1], shape: [1, 2]))
    x.tensor.linear(weight: weight.tensor).sum().backward()
    let (held, heldWeight) = (x.gradient, weight.gradient)
    x.tensor.linear(weight: weight.tensor).sum().backward()
    XCTAssertEqual(held?.array, [1, 1])
    XCTAssertEqual(heldWeight?.array, [1, 2])
    XCTAssertEqual(x.gradient?.array, [2, 2])
    XCTAssertEqual(weight.gradient?.array, [2, 4])
  }

  func testTheSeedStaysAsItIs() {
    let x = Parameter(Tensor([1, -2]))
    let seed = Tensor([5, 6])
    x.tensor.activated(.relu).backward(gradient: seed)
    (x.tensor.activated(.silu).softmax().dropout(0.5, key: 1) + 0).backward(gradient: seed)
    XCTAssertEqual(seed.array, [5, 6])
  }

  // MARK: Not recording

  func testWithoutGradientsRecordsNothing() {
    let x = Parameter(Tensor([1, 2]))
    XCTAssertFalse(withoutGradients { (x.tensor * 2).sum() }.needsGradient)
    XCTAssertFalse(
      withoutGradients { checkpointed([x.tensor]) { $0[0] * x.tensor } }.needsGradient)
    XCTAssert((x.tensor * 2).needsGradient)
    XCTAssertFalse((x.tensor * 2).detached.needsGradient)
    struct Failure: Error {}
    XCTAssertThrowsError(try withoutGradients { throw Failure() })
    XCTAssert((x.tensor * 2).needsGradient)
  }

  func testFrozenParametersCostNoNode() {
    let frozen = Parameter(Tensor([1, 2]), isTrainable: false)
    let trained = Parameter(Tensor([3, 4]))
    XCTAssertFalse((frozen.tensor * 2 + 1).softmax().needsGradient)
    let product = frozen.tensor * trained.tensor
    XCTAssert(product.needsGradient)
    product.sum().backward()
    XCTAssertNil(frozen.gradient)
    XCTAssertEqual(trained.gradient?.array, [1, 2])
    trained.isTrainable = false
    XCTAssertNil(trained.gradient)
    (frozen.tensor * 2).sum().backward()
    XCTAssertNil(frozen.gradient)
  }

  // MARK: Depth

  private static let depth = 100_000

  func testALongChainIsRun() {
    let x = Parameter(Tensor(0))
    let one = Tensor(1)
    var y = x.tensor
    for index in 0..<Self.depth { y = index % 2 == 0 ? y + 1 : y * one }
    y.backward()
    XCTAssertEqual(x.gradient?.item, 1)
  }

  func testALongChainIsDropped() {
    let x = Parameter(Tensor([0, 1]))
    var y = x.tensor
    for _ in 0..<Self.depth { y = y + 1 }
    y = Tensor(0)
    XCTAssertNil(x.gradient)
  }

  /// Operands without a gradient stand in the list of inputs as nil.
  func testALongChainWithConstantsIsDropped() {
    let x = Parameter(Tensor([0, 1]))
    let (ones, identity) = (Tensor([1, 1]), Tensor([1, 0, 0, 1], shape: [2, 2]))
    var y = x.tensor
    for index in 0..<Self.depth / 2 {
      y = index % 2 == 0 ? y * ones : y.reshaped([1, 2]).linear(weight: identity).reshaped([2])
      y = y + y
    }
    y = Tensor(0)
    XCTAssertNil(x.gradient)
  }

  // MARK: Memory

  func testTheGraphIsFreedWhileItIsConsumed() {
    let pool = Pool.shared
    // A larger block that is free would be used, and counted, in place of one of this size.
    pool.trim()
    let x = Parameter(Tensor(repeating: 0.5, shape: [4096]))
    let block = 4096 * 4
    let before = pool.statistics.bytesInUse
    var y = x.tensor
    for _ in 0..<20 { y = y.activated(.silu) }
    let loss = y.sum()
    y = Tensor(0)
    let recorded = pool.statistics.bytesInUse
    XCTAssertGreaterThanOrEqual(recorded - before, 19 * block)
    pool.resetPeak()
    loss.backward()
    XCTAssertLessThanOrEqual(pool.statistics.peakBytesInUse - recorded, 2 * block)
    XCTAssertLessThanOrEqual(pool.statistics.bytesInUse - before, block + 2 * 64)
  }

  func testADroppedGraphIsFreed() {
    let before = Pool.shared.statistics.bytesInUse
    do {
      let x = Parameter(Tensor(repeating: 0.5, shape: [4096]))
      XCTAssert(x.tensor.activated(.gelu).softmax().sum().needsGradient)
      x.tensor.activated(.gelu).softmax().sum().backward()
    }
    XCTAssertEqual(Pool.shared.statistics.bytesInUse, before)
  }
}
