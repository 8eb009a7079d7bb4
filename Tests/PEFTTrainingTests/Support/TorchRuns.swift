import Foundation
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// The runs of torch.optim in Tests/Fixtures/Training/optimizers.json.
struct TorchRuns {
  private let json: JSON

  init() throws {
    let file = Files.fixture("Training/optimizers.json")
    json = try JSON(parsing: Data(contentsOf: file))
  }

  /// The parameters before the first step.
  func parameters() throws -> [NamedParameter] {
    let shapes = try XCTUnwrap(json["shapes"])
    let start = try XCTUnwrap(json["start"]?.members)
    return Bag(
      try start.map {
        let shape = try XCTUnwrap(shapes[$0.name]?.elements?.compactMap(\.integer))
        return (
          $0.name, Parameter(Tensor(try Self.numbers($0.value).map(Float.init), shape: shape))
        )
      }
    ).parameters()
  }

  var stepCount: Int { json["gradients"]?.elements?.count ?? 0 }

  var norms: [Double] { json["norms"]?.elements?.compactMap(\.number) ?? [] }

  /// Gives the parameters the gradients of a step, times `factor`.
  func setGradients(_ step: Int, of parameters: [NamedParameter], factor: Float = 1) throws {
    let gradients = try XCTUnwrap(json["gradients"]?.elements?[step])
    for named in parameters {
      guard let values = gradients[named.path] else { continue }
      named.parameter.gradient = Tensor(
        try Self.numbers(values).map { Float($0) * factor }, shape: named.parameter.shape)
    }
  }

  /// Fails where the parameters are not those at the end of a run.
  func expectEnd(
    of run: String, _ parameters: [NamedParameter], relative: Double = 1e-6,
    file: StaticString = #filePath, line: UInt = #line
  ) throws {
    let end = try XCTUnwrap(json["runs"]?[run])
    for named in parameters {
      let expected = try Self.numbers(XCTUnwrap(end[named.path]))
      // Where a value crosses zero, the rounding of the terms that made it stays.
      expectClose(
        named.parameter.value.array, expected, relative: relative, absolute: 2e-7,
        "\(run) \(named.path)", file: file, line: line)
    }
  }

  private static func numbers(_ json: JSON) throws -> [Double] {
    try XCTUnwrap(json.elements).map { try XCTUnwrap($0.number) }
  }
}
