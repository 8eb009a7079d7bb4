import PEFTTensor
import XCTest

final class ParameterTests: XCTestCase {
  func testTheValueIsCutOffFromTheGraph() {
    let x = Parameter(Tensor([1, 2]))
    let parameter = Parameter(x.tensor * 2)
    XCTAssertFalse(parameter.value.needsGradient)
    parameter.value = x.tensor * 3
    XCTAssertFalse(parameter.value.needsGradient)
    XCTAssertEqual(parameter.value.array, [3, 6])
    XCTAssertEqual([parameter.count, parameter.byteCount], [2, 8])
  }

  func testANewValueIsSeenByTheNextPass() {
    let x = Parameter(Tensor([1, 2]))
    (x.tensor * x.tensor).sum().backward()
    x.value = Tensor([10, 20])
    (x.tensor * x.tensor).sum().backward()
    XCTAssertEqual(x.gradient?.array, [22, 44])
  }

  func testMakeValueUnique() {
    let shared = Tensor([1, 2, 3, 4], shape: [2, 2])
    let parameter = Parameter(shared)
    parameter.makeValueUnique()
    XCTAssertFalse(parameter.value.storage === shared.storage)
    XCTAssertEqual(parameter.value.array, shared.array)
    let own = ObjectIdentifier(parameter.value.storage)
    parameter.makeValueUnique()
    XCTAssertEqual(ObjectIdentifier(parameter.value.storage), own)
  }

  func testGradientOfTheParameterItself() {
    let x = Parameter(Tensor([1, 2]))
    x.tensor.backward(gradient: Tensor([3, 4]))
    x.tensor.backward(gradient: Tensor([3, 4]))
    XCTAssertEqual(x.gradient?.array, [6, 8])
  }
}
