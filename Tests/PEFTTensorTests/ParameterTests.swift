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

  func testATiedParameterIsASecondPlaceOfAnother() {
    let source = Parameter(Tensor([1, 2]))
    let tied = Parameter(tiedTo: source)
    let again = Parameter(tiedTo: tied)
    XCTAssert(tied.isTied(to: source) && tied.isTied && !source.isTied)
    XCTAssertEqual([tied.shape, again.shape], [[2], [2]])
    XCTAssert(again.isTrainable)
    (source.tensor * tied.tensor * again.tensor).sum().backward()
    XCTAssertEqual(source.gradient?.array, [3, 12])
    XCTAssertEqual(again.gradient?.array, [3, 12])
    again.gradient = nil
    XCTAssertNil(source.gradient)
    again.value = Tensor([5, 6])
    XCTAssertEqual(source.value.array, [5, 6])
    again.isTrainable = false
    XCTAssertFalse(source.isTrainable || tied.tensor.needsGradient)
  }

  /// A tied parameter does not keep what its source has let go of.
  func testATiedParameterHoldsNoMemory() {
    let before = Pool.shared.statistics.bytesInUse
    let source = Parameter(Tensor(zeros: [4096]))
    let tied = Parameter(tiedTo: source)
    let one = Pool.shared.statistics.bytesInUse - before
    source.value = Tensor(repeating: 1, shape: [4096])
    XCTAssertEqual(Pool.shared.statistics.bytesInUse - before, one)
    XCTAssertEqual(tied.value.array[0], 1)
    let own = ObjectIdentifier(source.value.storage)
    tied.makeValueUnique()
    XCTAssertEqual(ObjectIdentifier(source.value.storage), own)
  }

  func testASubstituteStandsIn() {
    let (source, other) = (Parameter(Tensor([1, 2])), Parameter(Tensor([5, 7])))
    let tied = Parameter(tiedTo: source)
    tied.substitute = other
    (tied.tensor * source.tensor).sum().backward()
    XCTAssertEqual(source.gradient?.array, [5, 7])
    XCTAssertEqual(other.gradient?.array, [1, 2])
    XCTAssertEqual(tied.value.array, [1, 2])
  }

  func testGradientOfTheParameterItself() {
    let x = Parameter(Tensor([1, 2]))
    x.tensor.backward(gradient: Tensor([3, 4]))
    x.tensor.backward(gradient: Tensor([3, 4]))
    XCTAssertEqual(x.gradient?.array, [6, 8])
  }
}
