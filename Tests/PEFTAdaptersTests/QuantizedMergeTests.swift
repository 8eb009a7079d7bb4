import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

/// LoRA on a base in four bits (QLoRA): what it is merged into, and that it learns as on float32.
final class QuantizedMergeTests: XCTestCase {
  func testMergingIntoEitherBase() throws {
    for family in ["gpt2", "llama"] {
      try Files.withTemporaryFolder { folder in
        let original = try TestModels.make(family)
        try original.save(to: folder.path)
        let model = try CausalLM(directory: folder.path, precision: .nf4)
        let adapter = try model.attach(LoRA(rank: 3, alpha: 6, targets: .allLinear))
        adapter.randomize(5, 0.05)
        let (adapted, bits) = (model.sample, model.bits)

        let near = try model.merge()
        XCTAssertLessThan(near.relativeDifference, 0.02)
        try model.unmerge()
        XCTAssertEqual(model.bits, bits)
        XCTAssertEqual(model.sample.bits, adapted.bits)

        let report = try model.merge(into: .original(folder: folder.path))
        // The rounding to four bits is gone, and that is reported.
        XCTAssertGreaterThan(report.relativeDifference, near.relativeDifference)
        let other = try CausalLM(directory: folder.path)
        let same = try other.attach(LoRA(rank: 3, alpha: 6, targets: .allLinear))
        for (layer, source) in zip(same.parameters, adapter.parameters) {
          layer.value = source.value
        }
        try other.merge()
        // The head is not adapted: it is kept in bfloat16 by the one and comes back as it was.
        expectClose(
          model.sample, other.sample, absolute: 2e-5 * Double(other.sample.largest), family)
        try model.unmerge()
        XCTAssertEqual(model.bits, bits)
        XCTAssertEqual(model.sample.bits, adapted.bits)
        try model.mergeAndDetach(into: .original(folder: folder.path))
        expectClose(model.sample, other.sample, absolute: 2e-5 * Double(other.sample.largest))
      }
    }
  }

  func testErrorsLeaveTheModel() throws {
    let model = try TestModels.make("llama")
    model.freeze()
    model.store(as: .nf4)
    try model.attach(LoRA(), name: "first")
    let output = model.sample
    XCTAssertEqual(
      expectAdapterError {
        try model.merge("first", into: .original(folder: "/nowhere"))
      }?.label.hasPrefix("file"), true)
    XCTAssertEqual(model.sample.bits, output.bits)
    try model.merge("first")
    try model.attach(LoRA(), name: "second")
    XCTAssertEqual(
      expectAdapterError { try model.merge("second", into: .original(folder: "/nowhere")) }?.label,
      "wrongState")
  }

  /// The loss falls on four bits nearly as on float32, from the same start.
  func testTrainingOnFourBits() throws {
    func losses(_ precision: Precision) throws -> [Float] {
      let model = try TestModels.make("llama")
      model.freeze()
      model.store(as: precision)
      try model.attach(LoRA(rank: 4, alpha: 8, targets: .allLinear))
      let optimizer = AdamW(model.parameters(.trainable), learningRate: 5e-3, weightDecay: 0)
      return (0..<40).map { _ in
        let loss = model.loss(model.batch)
        loss.backward()
        optimizer.step()
        return loss.item
      }
    }
    let (whole, four) = (try losses(.float32), try losses(.nf4))
    XCTAssertLessThan(whole[39], 0.5 * whole[0])
    XCTAssertLessThan(four[39], 0.5 * four[0])
    XCTAssertEqual(four[39], whole[39], accuracy: 0.15 * whole[0])
  }
}
