import PEFTTensor
import PEFTTraining
import XCTest

final class ThreadCommunicatorTests: XCTestCase {
  func testSums() throws {
    let sums = try Ranks.run(3) { rank in
      var (tensors, pending) = ([Tensor](), [any PendingSum]())
      // Several sums are on their way at the same time.
      for round in 0..<4 {
        let tensor = Tensor([Float(rank.rank), Float(round)])
        pending.append(try rank.startSum(tensor.elements))
        tensors.append(tensor)
      }
      for sum in pending.reversed() {
        try sum.progress()
        try sum.wait()
      }
      return tensors.map(\.array)
    }
    for rank in sums { XCTAssertEqual(rank, [[3, 0], [3, 3], [3, 6], [3, 9]]) }
  }

  func testReductionsAndBroadcasts() throws {
    let results = try Ranks.run(4) { rank in
      let own = Double(rank.rank)
      let sum = try rank.reduce([own, 1], .sum)
      let largest = try rank.reduce([own, -own], .maximum)
      let first = try rank.fromFirst([own + 5])
      let tensor = Tensor([Float(rank.rank) + 2])
      try rank.broadcast(tensor.elements)
      try rank.barrier()
      return [sum, largest, first, tensor.array.map(Double.init)]
    }
    for rank in results { XCTAssertEqual(rank, [[6, 4], [3, 0], [5], [2]]) }
  }

  func testALostRankEndsTheWaiting() {
    struct Failure: Error {}
    let outcomes = Ranks.outcomes(3) { rank in
      if rank.rank == 1 { throw Failure() }
      _ = try rank.reduce([1], .sum)
    }
    for rank in [0, 2] {
      XCTAssertThrowsError(try outcomes[rank].get()) {
        XCTAssertEqual($0 as? CommunicationError, .rankLost(rank: 1))
      }
    }
  }

  func testASingleProcessKeepsItsNumbers() throws {
    let alone = SingleProcess()
    XCTAssertEqual(alone.reduce([2, 3], .sum), [2, 3])
    XCTAssertEqual(try alone.fromFirst([4]), [4])
    let tensor = Tensor([1, 2])
    try alone.startSum(tensor.elements).wait()
    alone.broadcast(tensor.elements)
    XCTAssertEqual(tensor.array, [1, 2])
  }
}
