import PEFTTensor
import PEFTTestSupport
import XCTest

final class ParameterStorageTests: XCTestCase {
  private func rounded(_ tensor: Tensor) -> Tensor { BFloat16Weight(tensor).dense() }

  func testBothLayoutsComeBackRounded() {
    var random = SeededRandom(1)
    let value = random.tensor([5, 3])
    for layout in [WeightLayout.outputInput, .inputOutput] {
      let parameter = Parameter(value, isTrainable: false)
      XCTAssertEqual(parameter.byteCount, 60)
      parameter.store(as: .bfloat16, layout)
      XCTAssertEqual(parameter.shape, [5, 3])
      XCTAssertEqual(parameter.value.array, rounded(value).array)
      guard case .storage(let storage) = parameter.operand(layout) else {
        return XCTFail("no storage")
      }
      XCTAssertEqual([storage.outputs, storage.inputs], layout == .outputInput ? [5, 3] : [3, 5])
      XCTAssertEqual(parameter.byteCount, storage.byteCount)
      parameter.store(as: .float32, layout)
      XCTAssertEqual(parameter.value.array, rounded(value).array)
      guard case .tensor = parameter.operand(layout) else { return XCTFail("still a storage") }
    }
  }

  func testTrainableParametersAreTensors() {
    var random = SeededRandom(2)
    let parameter = Parameter(random.tensor([4, 4]))
    parameter.store(as: .bfloat16, .outputInput)
    guard case .tensor = parameter.operand(.outputInput) else { return XCTFail("a storage") }
    parameter.isTrainable = false
    parameter.store(as: .bfloat16, .outputInput)
    let stored = parameter.value.array
    parameter.isTrainable = true
    guard case .tensor(let tensor, _) = parameter.operand(.outputInput) else {
      return XCTFail("a storage")
    }
    XCTAssertEqual(tensor.array, stored)
    XCTAssertTrue(tensor.needsGradient)
  }

  func testSettingTheValueEndsTheStorage() {
    let parameter = Parameter(Tensor(zeros: [2, 2]), isTrainable: false)
    parameter.store(as: .bfloat16, .outputInput)
    parameter.value = Tensor([1.001, 2, 3, 4], shape: [2, 2])
    guard case .tensor(let tensor, _) = parameter.operand(.outputInput) else {
      return XCTFail("a storage")
    }
    XCTAssertEqual(tensor.array, [1.001, 2, 3, 4])
  }

  func testATiedCopyFollowsItsSource() {
    var random = SeededRandom(3)
    let value = random.tensor([6, 4])
    let source = Parameter(value, isTrainable: false)
    let tied = Parameter(tiedTo: source)
    tied.store(as: .bfloat16, .outputInput)
    XCTAssertEqual(source.value.array, value.array)
    guard case .storage = tied.operand(.outputInput) else { return XCTFail("no storage") }
    source.value = value * 2
    guard case .tensor(let tensor, _) = tied.operand(.outputInput) else {
      return XCTFail("a storage of the old value")
    }
    XCTAssertEqual(tensor.array, (value * 2).array)
  }

  func testProductsInAStorageAreThoseOfTheRoundedWeight() {
    var random = SeededRandom(4)
    let (value, x) = (random.tensor([40, 33]), random.tensor([7, 33]))
    let parameter = Parameter(value, isTrainable: false)
    parameter.store(as: .bfloat16, .outputInput)
    let (packed, plain) = (Parameter(x), Parameter(x))
    let result = packed.tensor.linear(parameter.operand(.outputInput))
    let expected = plain.tensor.linear(weight: rounded(value))
    // Activations are rounded to eight bits as well: half a unit in the last place each, 33 of them.
    expectClose(result, expected, absolute: 0.004 * Double(33).squareRoot())
    result.sum().backward()
    expected.sum().backward()
    guard let found = packed.gradient, let reference = plain.gradient else {
      return XCTFail("no gradient")
    }
    expectClose(found, reference, absolute: 0.004 * Double(40).squareRoot())
  }
}
