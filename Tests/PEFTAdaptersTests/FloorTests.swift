import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// LoRA of one matrix, whose least error is known: the squared singular values that its rank leaves out (Eckart and Young).
final class FloorTests: XCTestCase {
  func testEveryRankReachesItsFloor() throws {
    let values: [Float] = [2, 1.5, 1, 0.5]
    let teacher = try MatrixModel.teacher(values, size: 12, seed: 3)
    for (rank, floor) in [(1, 3.5), (2, 1.25), (3, 0.25), (4, 0), (5, 0)] as [(Int, Float)] {
      let model = MatrixModel([teacher])
      try model.attach(LoRA(rank: rank, alpha: Double(rank), targets: .names(["0"])))
      model.train(steps: 500, rate: 0.03)
      XCTAssertEqual(model.loss.item, floor, accuracy: 1e-4, "rank \(rank)")
    }
  }

  /// LoRA makes up for what four bits lose as far as its rank goes.
  func testFourBitsAreMadeUpForUpToTheRank() throws {
    var generator = Generator(seed: 7)
    let weight = Tensor(normal: 0.5, shape: [16, 16], using: &generator)
    for rank in [2, 16] {
      let model = MatrixModel([weight])
      model.maps[0].weight.value = weight.copied()
      model.maps[0].store(as: .nf4)
      let lost = weight - model.maps[0].weight.value
      let floor = try lost.svd().values.array.dropFirst(rank).reduce(0) { $0 + $1 * $1 }
      let before = model.loss.item
      try model.attach(LoRA(rank: rank, alpha: Double(rank), targets: .names(["0"])))
      model.train(steps: 500, rate: 0.02)
      XCTAssertEqual(model.loss.item, floor, accuracy: 0.01 * before, "rank \(rank)")
    }
  }
}
