import PEFTTensor
import PEFTTestSupport
import XCTest

final class CheckpointingTests: XCTestCase {
  func testGradientsAreEqualToTheBit() {
    XCTAssertEqual(gradients(checkpoint: true), gradients(checkpoint: false))
  }

  func testNestedCheckpoints() {
    XCTAssertEqual(gradients(checkpoint: true, nested: true), gradients(checkpoint: false))
  }

  func testTrainableParameterWithAFrozenInput() {
    let weight = Parameter(Tensor([2, 3]))
    let input = Tensor([5, 7])
    let output = checkpointed([input]) { $0[0] * weight.tensor }
    XCTAssert(output.needsGradient)
    XCTAssertEqual(output.array, [10, 21])
    output.sum().backward()
    XCTAssertEqual(weight.gradient?.array, [5, 7])
    let nested = checkpointed([input]) { checkpointed($0) { $0[0] * weight.tensor } }
    nested.sum().backward()
    XCTAssertEqual(weight.gradient?.array, [10, 14])
  }

  func testWithoutAnythingTrainableNothingIsRecorded() {
    let weight = Parameter(Tensor([2, 3]), isTrainable: false)
    XCTAssertFalse(checkpointed([Tensor([5, 7])]) { $0[0] * weight.tensor }.needsGradient)
    let hidden = Parameter(Tensor([2, 3]))
    XCTAssertFalse(
      checkpointed([Tensor([5, 7])]) { inputs in
        withoutGradients { inputs[0] * hidden.tensor }
      }.needsGradient)
  }

  func testTheBodyRunsOnceForwardAndOnceBackward() {
    let x = Parameter(Tensor([1, 2]))
    var runs = 0
    let output = checkpointed([x.tensor]) {
      runs += 1
      return $0[0] * $0[0]
    }
    XCTAssertEqual(runs, 1)
    output.sum().backward()
    XCTAssertEqual(runs, 2)
    XCTAssertEqual(x.gradient?.array, [2, 4])
  }

  func testOnlySomeInputsNeedAGradient() {
    let x = Parameter(Tensor([1, 2]))
    let constant = Tensor([3, 4])
    let output = checkpointed([constant, x.tensor, x.tensor]) { $0[0] * $0[1] + $0[2] }
    output.sum().backward()
    XCTAssertEqual(x.gradient?.array, [4, 5])
  }

  func testABodyThatReturnsItsInputOrAConstant() {
    let x = Parameter(Tensor([1, 2]))
    checkpointed([x.tensor]) { $0[0] }.sum().backward()
    XCTAssertEqual(x.gradient?.array, [1, 1])
    x.gradient = nil
    checkpointed([x.tensor]) { _ in Tensor([1, 2]) }.sum().backward()
    XCTAssertNil(x.gradient)
  }

  func testViewsAsInputs() {
    let x = Parameter(Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3]))
    checkpointed([x.tensor.columns(1..<3)]) { $0[0] * $0[0] }.sum().backward()
    XCTAssertEqual(x.gradient?.array, [0, 4, 6, 0, 10, 12])
  }

  func testMemoryFallsToInputsAndOutputs() {
    func recorded(_ checkpoint: Bool) -> Int {
      let x = Parameter(Tensor(repeating: 0.5, shape: [4096]))
      let before = Pool.shared.statistics.bytesInUse
      let body = { (inputs: [Tensor]) in (0..<10).reduce(inputs[0]) { y, _ in y.activated(.silu) } }
      let output = checkpoint ? checkpointed([x.tensor], body) : body([x.tensor])
      defer { XCTAssert(output.needsGradient) }
      return Pool.shared.statistics.bytesInUse - before
    }
    XCTAssertGreaterThanOrEqual(recorded(false), 10 * 4096 * 4)
    XCTAssertLessThanOrEqual(recorded(true), 4096 * 4 + 4 * 64)
  }

  /// Three residual blocks with norm, linear maps, dropout and an activation.
  private func gradients(checkpoint: Bool, nested: Bool = false) -> [[Float]] {
    var random = SeededRandom(3)
    let x = Parameter(random.tensor([4, 6]))
    let scale = Parameter(random.tensor([6]))
    let weights = (0..<3).map { _ in Parameter(random.tensor([6, 6])) }
    let a = Parameter(random.tensor([2, 6]))
    let b = Parameter(random.tensor([6, 2]))
    var y = x.tensor * 1
    for (index, weight) in weights.enumerated() {
      let inner = { (inputs: [Tensor]) -> Tensor in
        inputs[0].linear(
          weight: weight.tensor,
          branches: [
            LowRankBranch(
              a: a.tensor, b: b.tensor, scale: 2, dropout: 0.3, dropoutKey: UInt64(index))
          ])
      }
      let body = { (inputs: [Tensor]) -> Tensor in
        let normed = inputs[0].rmsNorm(weight: scale.tensor, epsilon: 1e-6)
        let hidden = nested ? checkpointed([normed], inner) : inner([normed])
        return inputs[0] + hidden.activated(.gelu).dropout(0.25, key: UInt64(10 + index))
      }
      y = checkpoint ? checkpointed([y], body) : body([y])
    }
    let loss = (y * y).sum()
    loss.backward()
    return [[loss.item]] + ([x, scale, a, b] + weights).map { $0.gradient?.array ?? [] }
  }
}
