import PEFTTensor
import PEFTTraining
import PEFTTransformer
import XCTest

final class OptimizerTests: XCTestCase {
  private func checkRun(
    _ name: String, file: StaticString = #filePath, line: UInt = #line,
    _ make: ([NamedParameter]) -> any Optimizer
  ) throws {
    let runs = try TorchRuns()
    let parameters = try runs.parameters()
    let optimizer = make(parameters)
    for step in 0..<runs.stepCount {
      try runs.setGradients(step, of: parameters)
      optimizer.step()
      XCTAssertTrue(parameters.allSatisfy { $0.parameter.gradient == nil }, file: file, line: line)
    }
    try runs.expectEnd(of: name, parameters, file: file, line: line)
  }

  func testAdamWEqualsTorch() throws {
    try checkRun("adamw_defaults") { AdamW($0) }
    try checkRun("adamw") {
      AdamW($0, learningRate: 3e-2, betas: (0.8, 0.95), epsilon: 1e-6, weightDecay: 0.1)
    }
  }

  func testSGDEqualsTorch() throws {
    try checkRun("sgd") { SGD($0, learningRate: 5e-2, weightDecay: 0.03) }
    try checkRun("sgd_momentum") {
      SGD($0, learningRate: 5e-2, momentum: 0.9, weightDecay: 0.01)
    }
    try checkRun("sgd_nesterov") {
      SGD($0, learningRate: 5e-2, momentum: 0.9, isNesterov: true)
    }
  }

  func testGroupsEqualOptimizersOfTheirOwn() throws {
    let runs = try TorchRuns()
    let parameters = try runs.parameters()
    let optimizer = AdamW(
      [
        ParameterGroup(Array(parameters[..<1]), learningRateFactor: 30, weightDecay: 0.1),
        ParameterGroup(Array(parameters[1...]), learningRateFactor: 30),
      ], learningRate: 1e-3, betas: (0.8, 0.95), epsilon: 1e-6, weightDecay: 0.1)
    for step in 0..<runs.stepCount {
      try runs.setGradients(step, of: parameters)
      optimizer.step()
    }
    try runs.expectEnd(of: "adamw", parameters)
  }

  func testClippingEqualsTorch() throws {
    let runs = try TorchRuns()
    let parameters = try runs.parameters()
    let optimizer = SGD(parameters, learningRate: 0.1)
    for step in 0..<runs.stepCount {
      try runs.setGradients(step, of: parameters)
      XCTAssertEqual(
        optimizer.step(clippingTo: 5.5), runs.norms[step], accuracy: 1e-6 * runs.norms[step])
    }
    try runs.expectEnd(of: "sgd_clipped", parameters)
  }

  func testGradientScale() throws {
    let runs = try TorchRuns()
    let parameters = try runs.parameters()
    let optimizer = AdamW(parameters)
    for step in 0..<runs.stepCount {
      try runs.setGradients(step, of: parameters, factor: 4)
      optimizer.step(gradientScale: 0.25)
    }
    try runs.expectEnd(of: "adamw_defaults", parameters)
  }

  func testNonFiniteGradientsChangeNothing() throws {
    let parameter = Parameter(Tensor([1, 2]))
    let optimizer = SGD(Bag([("weight", parameter)]).parameters(), learningRate: 1)
    parameter.gradient = Tensor([1, .nan])
    XCTAssertTrue(optimizer.step(clippingTo: 1).isNaN)
    XCTAssertEqual(parameter.value.array, [1, 2])
    XCTAssertNil(parameter.gradient)
    parameter.gradient = Tensor([-.infinity, 1])
    XCTAssertEqual(optimizer.gradientNorm, .infinity)
    optimizer.zeroGradients()
    XCTAssertEqual(optimizer.gradientNorm, 0)
  }

  func testRestoredStateContinuesToTheBit() throws {
    let make: [([NamedParameter]) -> any Optimizer] = [
      { AdamW($0, learningRate: 3e-2) }, { SGD($0, learningRate: 3e-2, momentum: 0.9) },
    ]
    for make in make {
      let runs = try TorchRuns()
      let (whole, halves) = (try runs.parameters(), try runs.parameters())
      let wholeOptimizer = make(whole)
      var halvesOptimizer = make(halves)
      for step in 0..<runs.stepCount {
        if step == 7 {
          let state = halvesOptimizer.state
          halvesOptimizer = make(halves)
          try halvesOptimizer.restore(state)
        }
        try runs.setGradients(step, of: whole)
        try runs.setGradients(step, of: halves)
        wholeOptimizer.step()
        halvesOptimizer.step()
      }
      for (a, b) in zip(whole, halves) {
        XCTAssertEqual(a.parameter.value.array, b.parameter.value.array)
      }
      XCTAssertEqual(
        wholeOptimizer.state.mapValues(\.array), halvesOptimizer.state.mapValues(\.array))
    }
  }

  func testStateIsACopy() throws {
    let runs = try TorchRuns()
    let parameters = try runs.parameters()
    let optimizer = AdamW(parameters)
    try runs.setGradients(1, of: parameters)
    optimizer.step()
    let state = optimizer.state
    let before = state.mapValues(\.array)
    XCTAssertEqual(state["step.first.weight"]?.item, 1)
    try runs.setGradients(2, of: parameters)
    optimizer.step()
    XCTAssertEqual(state.mapValues(\.array), before)
  }

  func testStateOfOtherParametersIsRefused() throws {
    let parameter = Parameter(Tensor([1, 2]))
    let optimizer = AdamW(Bag([("weight", parameter)]).parameters())
    let states: [([String: Tensor], String)] = [
      (["step.other": Tensor(1)], "step.other"),
      (["step.weight": Tensor(1)], "exp_avg.weight"),
      (["exp_avg.weight": Tensor([1, 2]), "exp_avg_sq.weight": Tensor([1, 2])], "step.weight"),
      (["step.weight": Tensor(1), "exp_avg.weight": Tensor([1, 2, 3])], "exp_avg.weight"),
      (
        [
          "step.weight": Tensor(0.5), "exp_avg.weight": Tensor([1, 2]),
          "exp_avg_sq.weight": Tensor([1, 2]),
        ], "step.weight"
      ),
    ]
    for (state, expected) in states {
      XCTAssertThrowsError(try optimizer.restore(state)) { error in
        guard case TrainingError.stateMismatch(let name, _, _) = error else {
          return XCTFail("\(error)")
        }
        XCTAssertEqual(name, expected)
      }
    }
    XCTAssertTrue(optimizer.state.isEmpty)
  }
}
