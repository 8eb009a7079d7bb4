import Foundation
import PEFT
import XCTest

/// How well methods with few parameters find a change of low rank: a network of 32, 64 and 8 whose teacher differs by rank 2 in the
/// first layer and rank 1 in the second, with 1,024 samples.
///
/// `RUN_BENCHMARKS=1 swift test -c release --filter PerceptronBenchmarks`
final class PerceptronBenchmarks: XCTestCase {
  override func setUpWithError() throws { try Benchmark.skipUnlessAsked() }

  /// Two layers with tanh between.
  private final class Perceptron: AdapterHost {
    let first: Linear
    let second: Linear
    let adapters = AdapterRegistry()

    var members: Members { ["first": first, "second": second] }

    init(_ weights: [Tensor], _ biases: [Tensor]) {
      func layer(_ index: Int) -> Linear {
        Linear(
          weight: Parameter(weights[index], isTrainable: false),
          bias: Parameter(biases[index], isTrainable: false))
      }
      (first, second) = (layer(0), layer(1))
    }

    func keepInFourBits() {
      for layer in [first, second] { layer.store(as: .nf4) }
    }

    func callAsFunction(_ input: Tensor) -> Tensor {
      let context = ForwardContext()
      return second(first(input, context).activated(.tanh), context)
    }

    func probeOutput() -> Tensor {
      withoutGradients { self(Tensor(repeating: 0.5, shape: [1, first.inputs])) }
    }
  }

  /// What one seed fixes.
  private struct Task {
    let weights: [Tensor]
    let biases: [Tensor]
    let inputs: Tensor
    let targets: Tensor
    let testInputs: Tensor
    let testTargets: Tensor

    init(seed: UInt64) throws {
      var generator = Generator(seed: seed)
      let shapes = [[64, 32], [8, 64]]
      weights = shapes.map {
        Tensor(normal: 1 / Float($0[1]).squareRoot(), shape: $0, using: &generator)
      }
      biases = shapes.map { Tensor(normal: 0.1, shape: [$0[0]], using: &generator) }
      let values: [[Float]] = [[2.5, 1.5], [1]]
      var changed: [Tensor] = []
      for (index, shape) in shapes.enumerated() {
        let rank = values[index].count
        let u = try Tensor(normal: 1, shape: [shape[0], rank], using: &generator).qr().q
        let v = try Tensor(normal: 1, shape: [shape[1], rank], using: &generator).qr().q
        changed.append(
          weights[index] + (u * Tensor(values[index], shape: [1, rank])).linear(weight: v))
      }
      let teacher = Perceptron(changed, biases)
      inputs = Tensor(normal: 1, shape: [1024, 32], using: &generator)
      testInputs = Tensor(normal: 1, shape: [1024, 32], using: &generator)
      (targets, testTargets) = (teacher(inputs), teacher(testInputs))
    }

    var student: Perceptron { Perceptron(weights, biases) }

    func loss(_ model: Perceptron) -> Tensor {
      let difference = model(inputs) - targets
      return (difference * difference).mean()
    }

    /// The squared error on new samples as a share of the variance of the targets.
    func error(_ model: Perceptron) -> Double {
      withoutGradients {
        let difference = model(testInputs) - testTargets
        let spread = testTargets - testTargets.mean(axis: 0)
        return Double((difference * difference).mean().item / (spread * spread).mean().item)
      }
    }
  }

  private func error(
    _ task: Task, _ prepare: (Perceptron) throws -> Void
  ) throws -> (error: Double, parameters: Int) {
    let model = task.student
    try prepare(model)
    let parameters = model.parameters(.trainable)
    let optimizer = AdamW(parameters, learningRate: 1e-2, weightDecay: 0)
    let schedule = Schedule.cosine()
    for step in 0..<(parameters.isEmpty ? 0 : 1500) {
      optimizer.learningRate = 1e-2 * schedule.factor(step: step, total: 1500)
      task.loss(model).backward()
      optimizer.step()
    }
    return (task.error(model), parameters.reduce(0) { $0 + $1.parameter.count })
  }

  func testOrderOfMethods() throws {
    let both = Targets.names(["first", "second"])
    var rosa = RoSA(rank: 1, alpha: 1, density: 0.066, targets: both)
    rosa.schedule = .warmup(20)
    func fixed(_ rank: Int) -> LoRA {
      var method = LoRA(rank: rank, alpha: Double(rank), targets: both)
      method.freezesA = true
      return method
    }
    let methods: [(name: String, prepare: (Perceptron, Task) throws -> Void)] = [
      ("base", { _, _ in }),
      ("full", { model, _ in model.unfreeze() }),
      ("lora r1", { model, _ in try model.attach(LoRA(rank: 1, alpha: 1, targets: both)) }),
      ("lora r2", { model, _ in try model.attach(LoRA(rank: 2, alpha: 2, targets: both)) }),
      ("lora r4", { model, _ in try model.attach(LoRA(rank: 4, alpha: 4, targets: both)) }),
      ("lora-fa r2", { model, _ in try model.attach(fixed(2)) }),
      ("lora-fa r4", { model, _ in try model.attach(fixed(4)) }),
      ("bitfit", { model, _ in try model.attach(BitFit()) }),
      (
        "ia3",
        { model, _ in try model.attach(IA3(targets: both, feedForward: .names(["second"]))) }
      ),
      ("base on nf4", { model, _ in model.keepInFourBits() }),
      (
        "lora r4 on nf4",
        { model, _ in
          model.keepInFourBits()
          try model.attach(LoRA(rank: 4, alpha: 4, targets: both))
        }
      ),
      (
        "lora r8 on nf4",
        { model, _ in
          model.keepInFourBits()
          try model.attach(LoRA(rank: 8, alpha: 8, targets: both))
        }
      ),
      (
        "sparse squared gradient",
        { model, task in
          let choice = SparseChoice(.squaredGradient, .global, .count(336))
          // Fisher's information wants the gradients of single samples; 64 are enough.
          let masks = try model.chooseMasks(choice, for: both, over: 0..<64) { row in
            let rows = row..<row + 1
            let difference =
              model(task.inputs.prefixAxis(rows)) - task.targets.prefixAxis(rows)
            return (difference * difference).mean()
          }
          try model.attach(SparseDelta(masks: masks))
        }
      ),
      ("sparse random", { model, _ in try model.attach(SparseDelta(rank: 2, targets: both)) }),
      ("rosa r1", { model, _ in try model.attach(rosa) }),
      (
        "random subspace r2",
        { model, _ in
          try model.attach(RandomSubspace(rank: 2, interval: 100, targets: both))
        }
      ),
      (
        "quantum-peft cayley r2",
        { model, _ in try model.attach(QuantumPEFT(rank: 2, frame: .cayley, targets: both)) }
      ),
      (
        "quantum-peft pauli r4",
        { model, _ in
          try model.attach(QuantumPEFT(rank: 4, frame: .pauli(layers: 2), targets: both))
        }
      ),
    ]
    let tasks = try (0..<3).map { try Task(seed: $0) }
    var means: [String: Double] = [:]
    for (name, prepare) in methods {
      let results = try tasks.map { task in try error(task) { try prepare($0, task) } }
      let errors = results.map(\.error).sorted()
      means[name] = errors[1]
      print(
        "{\"row\": \"tanh 32-64-8, test error\", \"candidate\": \"\(name)\", "
          + "\"parameters\": \(results[0].parameters), \"median\": \(errors[1]), "
          + "\"min\": \(errors[0]), \"max\": \(errors[2])}")
    }
    let order = [
      "lora r2", "lora r4", "full", "sparse squared gradient", "sparse random", "ia3", "bitfit",
    ].compactMap { means[$0] }
    XCTAssertEqual(order.count, 7)
    XCTAssertEqual(order, order.sorted(), "the expected order")
    XCTAssertLessThan(means["lora r2"] ?? 1, 1e-6)
    XCTAssertLessThan(10 * (means["full"] ?? 1), means["lora r1"] ?? 0)
    XCTAssertLessThan(means["lora r1"] ?? 1, means["sparse random"] ?? 0)
    XCTAssertLessThan(10 * (means["lora r8 on nf4"] ?? 1), means["base on nf4"] ?? 0)
  }
}
