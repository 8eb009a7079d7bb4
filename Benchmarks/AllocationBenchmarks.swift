import PEFT
import XCTest

/// The ranks that AdaLoRA gives to four maps whose teachers have ranks 8, 4, 3 and 1, under a budget of 16.
final class AllocationBenchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  /// Maps that start at zero.
  private final class Maps: AdapterHost {
    let maps = (0..<4).map { _ in
      Linear(weight: Parameter(Tensor(zeros: [32, 32]), isTrainable: false))
    }
    let adapters = AdapterRegistry()
    var members: Members { ["maps": maps] }

    func matrix(_ index: Int) -> Tensor {
      let identity = (0..<32 * 32).map { Float($0 % 33 == 0 ? 1 : 0) }
      return maps[index](Tensor(identity, shape: [32, 32]), ForwardContext())
    }

    func probeOutput() -> Tensor { withoutGradients { matrix(0) } }
  }

  func testRanksOfTeachers() throws {
    let ranks = [8, 4, 3, 1]
    for seed in 1...3 as ClosedRange<UInt64> {
      var generator = Generator(seed: seed)
      let teachers = try ranks.map { rank in
        let u = try Tensor(normal: 1, shape: [32, 32], using: &generator).qr().q
        let v = try Tensor(normal: 1, shape: [32, 32], using: &generator).qr().q
        return u.columns(0..<rank).contiguous.linear(weight: v.columns(0..<rank).contiguous)
      }
      let model = Maps()
      var method = AdaLoRA(
        initialRank: 8, targetRank: 4, alpha: 8, totalSteps: 2000,
        targets: .names((0..<4).map { "maps.\($0)" }))
      (method.initialSteps, method.finalSteps, method.interval) = (200, 600, 10)
      (method.orthogonalityWeight, method.selection.seed) = (0.1, seed)
      let adapter = try model.attach(method)
      let optimizer = AdamW(model.parameters(.trainable), weightDecay: 0)
      var errors: [Float] = []
      for step in 0..<2000 {
        optimizer.learningRate = 1e-2 * Schedule.cosine().factor(step: step, total: 2000)
        let losses = teachers.indices.map { index in
          let difference = model.matrix(index) - teachers[index]
          return (difference * difference).sum()
        }
        let penalty = try XCTUnwrap(adapter.penalty)
        losses.reduce(penalty) { $0 + $1 }.backward()
        optimizer.step()
        errors = losses.map(\.item)
      }
      let found = try XCTUnwrap(adapter.rankAllocator?.ranks)
      print(
        "{\"row\": \"ranks of teachers\", \"seed\": \(seed), \"ranks\": \(found), \"errors\": \(errors)}"
      )
      XCTAssertEqual(found, ranks)
    }
  }
}
