import PEFT
import XCTest

/// What adapters of one matrix reach where the least error is known: the sum of the squared singular values that a rank leaves out
/// (Eckart and Young), or nothing where the teacher is of their form.
///
/// `RUN_BENCHMARKS=1 swift test -c release --filter MatrixBenchmarks`
final class MatrixBenchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  private let seeds: ClosedRange<UInt64> = 1...3

  private func floors(_ values: [Float]) -> [Double] {
    (1...values.count).map { values.dropFirst($0).reduce(0) { $0 + Double($1) * Double($1) } }
  }

  private func report(_ row: String, _ seed: UInt64, _ errors: [Double]) {
    let figures = errors.map { "\(Float($0))" }.joined(separator: ", ")
    print("{\"row\": \"\(row)\", \"seed\": \(seed), \"errors\": [\(figures)]}")
  }

  func testLoRAOfEveryRank() throws {
    let values: [Float] = [2, 1.5, 1, 0.5]
    for seed in seeds {
      var generator = Generator(seed: seed)
      let teacher = try TeacherMaps.teacher(values, using: &generator)
      let errors = try (1...6).map { rank in
        let model = TeacherMaps([teacher])
        try model.attach(LoRA(rank: rank, alpha: Double(rank), targets: model.targets))
        model.train(steps: 1500, rate: 3e-2)
        return model.error
      }
      report("LoRA, ranks 1 to 6", seed, errors)
      for (error, floor) in zip(errors, floors(values) + [0, 0]) {
        XCTAssertEqual(error, floor, accuracy: 1e-5)
      }
    }
  }

  /// Every rank of one training, by the scaling and by what a step trains, beside LoRA that is cut off.
  func testNestedRanks() throws {
    var values: [Float] = [2]
    for _ in 1..<8 { values.append(values[values.count - 1] * 0.7) }
    let floors = floors(values)
    for seed in seeds {
      var generator = Generator(seed: seed)
      let teacher = try TeacherMaps.teacher(values, using: &generator)
      let plain = TeacherMaps([teacher])
      let lora = try plain.attach(LoRA(rank: 8, alpha: 8, targets: plain.targets))
      plain.train(steps: 12_000, rate: 1e-2)
      let layer = try XCTUnwrap(lora.layers(of: LoRALayer.self).first?.layer)
      let cut = (1...8).map { rank in
        let part = layer.b.value.columns(0..<rank).contiguous
          .matrixProduct(layer.a.value.prefixAxis(0..<rank))
        return (teacher - part).sumOfSquares
      }
      report("LoRA cut off", seed, cut)
      XCTAssertGreaterThan(cut[0], floors[0] + 0.5)
      for scaling in DyLoRA.Scaling.allCases {
        for update in DyLoRA.Update.allCases {
          let model = TeacherMaps([teacher])
          var method = DyLoRA(rank: 8, alpha: 8, targets: model.targets)
          (method.scaling, method.update, method.selection.seed) = (scaling, update, seed)
          let adapter = try model.attach(method)
          model.train(steps: 12_000, rate: 1e-2)
          let errors = try XCTUnwrap(adapter.nestedRanks).evaluate { _ in model.error }
            .map(\.result)
          report("DyLoRA, scaling \(scaling), update \(update)", seed, errors)
          if scaling == .fixed {
            for (error, floor) in zip(errors, floors) {
              XCTAssertEqual(error, floor, accuracy: 1e-2)
            }
          } else {
            XCTAssertLessThan(errors[0..<6].reduce(0, +), cut[0..<6].reduce(0, +) - 1)
          }
        }
      }
    }
  }

  /// Rank 2 and 24 elements of one, at 288 parameters: both parts find them, either part alone does not.
  func testLowRankAndSparse() throws {
    for seed in seeds {
      var generator = Generator(seed: seed)
      let low = try TeacherMaps.teacher([2, 1.5], size: 48, using: &generator)
      var places: Set<Int> = []
      while places.count < 24 { places.insert(Int(generator.next() % 2304)) }
      var sparse = [Float](repeating: 0, count: 2304)
      for place in places.sorted() { sparse[place] = generator.next() % 2 == 0 ? 1 : -1 }
      let teacher = low + Tensor(sparse, shape: [48, 48])
      func error(
        _ rank: Int, _ count: Int, _ schedule: RoSA.Schedule?
      ) throws -> (error: Double, adapter: Adapter) {
        let model = TeacherMaps([teacher])
        var method = RoSA(
          rank: rank, alpha: Double(rank), density: (Double(count) + 0.5) / 2304,
          targets: model.targets)
        if let schedule { method.schedule = schedule }
        let adapter = try model.attach(method)
        XCTAssertEqual(adapter.parameterCount, 288)
        model.train(steps: 3000, rate: 2e-2)
        return (model.error, adapter)
      }
      let (both, adapter) = try error(2, 96, nil)
      let chosen = try XCTUnwrap(adapter.sparseMasks.places["maps.0"])
      let found = Set(zip(chosen.rows, chosen.columns).map { Int($0) * 48 + Int($1) })
      let errors = [both, try error(3, 0, .loraOnly).error, try error(0, 288, .sparseOnly).error]
      report("low rank and sparse: both, LoRA, sparse", seed, errors)
      XCTAssertLessThan(errors[0], 1e-6)
      XCTAssertTrue(places.isSubset(of: found), "\(places.subtracting(found)) not found")
      XCTAssertGreaterThan(errors[1], 10)
      XCTAssertGreaterThan(errors[2], 1)
    }
  }

  /// What four bits lose of a matrix is made up for by LoRA as far as its rank goes.
  func testLoRAOnFourBits() throws {
    for seed in seeds {
      var generator = Generator(seed: seed)
      let weight = Tensor(normal: 0.2, shape: [64, 64], using: &generator)
      var errors: [Double] = []
      for rank in [4, 16, 64] {
        let model = TeacherMaps([weight])
        model.maps[0].weight.value = weight.copied()
        model.maps[0].store(as: .nf4)
        let lost = weight - model.maps[0].weight.value
        let floor = try lost.svd().values.array.dropFirst(rank).reduce(0) { $0 + $1 * $1 }
        if errors.isEmpty { errors.append(lost.sumOfSquares) }
        try model.attach(LoRA(rank: rank, alpha: Double(rank), targets: model.targets))
        model.train(steps: 3000, rate: 1e-2)
        errors.append(model.error)
        XCTAssertEqual(model.error, Double(floor), accuracy: 1e-3 * errors[0])
      }
      report("NF4 alone, with LoRA of rank 4, 16 and 64", seed, errors)
    }
  }
}
