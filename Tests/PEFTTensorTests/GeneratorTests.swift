import Foundation
import PEFTTensor
import XCTest

final class GeneratorTests: XCTestCase {
  /// The first numbers of the published reference code of xoshiro256** from the state 1, 2, 3, 4.
  func testReferenceNumbers() throws {
    var generator = try JSONDecoder().decode(
      Generator.self, from: Data(#"{"state":[1,2,3,4]}"#.utf8))
    let expected: [UInt64] = [
      11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360,
      607_988_272_756_665_600, 16_172_922_978_634_559_625, 8_476_171_486_693_032_832,
      10_595_114_339_597_558_777, 2_904_607_092_377_533_576,
    ]
    for number in expected { XCTAssertEqual(generator.next(), number) }
  }

  /// The first numbers of SplitMix64 from 0.
  func testSeedIsSpreadBySplitMix() throws {
    struct State: Codable { var state: [UInt64] }
    let data = try JSONEncoder().encode(Generator(seed: 0))
    XCTAssertEqual(
      try JSONDecoder().decode(State.self, from: data).state,
      [
        0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4, 0x06C4_5D18_8009_454F,
        0xF88B_B8A8_724C_81EC,
      ])
  }

  func testASavedStateGoesOnWhereItWas() throws {
    var generator = Generator(seed: 5)
    for _ in 0..<10 { _ = generator.next() }
    let data = try JSONEncoder().encode(generator)
    var again = try JSONDecoder().decode(Generator.self, from: data)
    XCTAssertEqual(again, generator)
    for _ in 0..<10 { XCTAssertEqual(again.next(), generator.next()) }
  }

  func testMoments() {
    var generator = Generator(seed: 1)
    let count = 40_000.0
    let normal = Tensor(normal: 3, shape: [200, 200], using: &generator).array.map(Double.init)
    let mean = normal.reduce(0, +) / count
    let variance = normal.reduce(0) { $0 + $1 * $1 } / count
    let fourth = normal.reduce(0) { $0 + $1 * $1 * $1 * $1 } / count
    // Five standard errors each: of the mean 3 / sqrt(n), of the variance 9 sqrt(2 / n), of the fourth moment
    // 81 sqrt(96 / n).
    XCTAssertEqual(mean, 0, accuracy: 5 * 3 / count.squareRoot())
    XCTAssertEqual(variance, 9, accuracy: 5 * 9 * (2 / count).squareRoot())
    XCTAssertEqual(fourth, 243, accuracy: 5 * 81 * (96 / count).squareRoot())
    let uniform = Tensor(uniform: -1..<3, shape: [200, 200], using: &generator).array
    XCTAssert(uniform.allSatisfy { $0 >= -1 && $0 < 3 })
    let average = uniform.reduce(0.0) { $0 + Double($1) } / count
    XCTAssertEqual(average, 1, accuracy: 5 * (16.0 / 12 / count).squareRoot())
  }

  /// Rounding to float32 must not reach the bound that the range leaves out.
  func testUniformNumbersStayBelowTheUpperBound() {
    var generator = Generator(seed: 2)
    let range: Range<Float> = 16_777_214..<16_777_216
    let values = Tensor(uniform: range, shape: [1000], using: &generator).array
    XCTAssertEqual(Set(values), [16_777_214, 16_777_215])
  }
}
