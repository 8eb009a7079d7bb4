import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// The contract on the storages that the other tests leave out, for LoRA and for the methods that read or replace the weight itself.
final class StorageContractTests: XCTestCase {
  private let storages: [Precision] = [.int8, .fp4]

  func testLoRA() throws {
    try checkAdapter(LoRA(rank: 4, alpha: 8, targets: .allLinear), precisions: storages)
  }

  func testDoRA() throws {
    var method = LoRA(rank: 4, alpha: 8, targets: .allLinear)
    method.usesWeightDecomposition = true
    try checkAdapter(method, families: ["llama"], precisions: storages) { $0.slopeTolerance = nil }
  }

  func testStartsFromTheWeight() throws {
    for (start, precision) in [
      (LoRA.Initialization.pissa, Precision.int8), (.olora, .int8), (.pissa, .fp4),
    ] {
      var method = LoRA(rank: 4, alpha: 8, targets: .allLinear)
      method.initialization = start
      try checkAdapter(method, families: ["gpt2"], precisions: [precision]) {
        ($0.identityTolerance, $0.slopeTolerance) = (2e-2, nil)
      }
    }
  }

  func testIA3() throws {
    try checkAdapter(IA3(), families: ["llama"], precisions: storages)
  }

  func testMergingIntoEitherBase() throws {
    for precision in storages {
      try Files.withTemporaryFolder { folder in
        try TestModels.make("llama").save(to: folder.path)
        let model = try CausalLM(directory: folder.path, precision: precision)
        let adapter = try model.attach(LoRA(rank: 3, alpha: 6, targets: .allLinear))
        adapter.randomize(5, 0.05)
        let bits = model.bits
        let near = try model.merge()
        XCTAssertLessThan(near.relativeDifference, 0.02, "\(precision)")
        try model.unmerge()
        let report = try model.merge(into: .original(folder: folder.path))
        // What rounding has taken is back, and is reported: more of it from four bits than from eight.
        XCTAssertGreaterThan(report.relativeDifference, near.relativeDifference, "\(precision)")
        try model.unmerge()
        XCTAssertEqual(model.bits, bits, "\(precision)")
      }
    }
  }
}
