import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// An adapter says for which base it is.
final class ProofOfFitTests: XCTestCase {
  func testAnotherBaseIsAnErrorThatNamesBoth() throws {
    try Files.withTemporaryFolder { root in
      let base = try TestModels.make("llama", seed: 1)
      let adapter = try base.attach(LoRA(rank: 2, alpha: 4))
      adapter.randomize()
      try adapter.saveTwice(in: root)
      let folder = root.appendingPathComponent("a").path
      try TestModels.make("llama", seed: 1).loadAdapter(folder)

      let other = try TestModels.make("llama", seed: 2)
      let error = expectAdapterError { try other.loadAdapter(folder) }
      XCTAssertEqual(error?.label, "otherBase")
      let text = error?.description ?? ""
      for fingerprint in [BaseFingerprint(base), BaseFingerprint(other)] {
        XCTAssert(text.contains(fingerprint.id), text)
      }
      XCTAssertEqual(other.adapters.names, [])
      let lenient = try other.loadAdapter(folder, mode: .lenient)
      XCTAssertNotNil(lenient.loadingReport.otherBase)
    }
  }

  /// One weight of one norm is enough.
  func testEveryParameterCounts() throws {
    let base = BaseFingerprint(try TestModels.make("gpt2"))
    let count = try TestModels.make("gpt2").parameters().count
    for index in 0..<count {
      let model = try TestModels.make("gpt2")
      let parameter = model.parameters()[index].parameter
      parameter.value = parameter.value + 0.01
      XCTAssertNotEqual(BaseFingerprint(model), base, "\(index)")
    }
  }

  /// The same base in other precisions is the same base; another one is not, in any.
  func testPrecisionsDoNotMatter() throws {
    for family in ["llama", "gpt2"] {
      for dtype in [DType.float32, .bfloat16, .float16] {
        try Files.withTemporaryFolder { root in
          let folder = root.appendingPathComponent("base").path
          let adapterFolder = root.appendingPathComponent("adapter").path
          let model = try TestModels.make(family, seed: 3)
          try model.save(to: folder, as: dtype)
          let source = try TestModels.make(family, seed: 3)
          try source.attach(LoRA(rank: 2)).save(to: adapterFolder)
          XCTAssertEqual(source.adapters.names, ["default"])
          for precision in [Precision.float32, .bfloat16, .nf4] {
            let stored = try CausalLM(directory: folder, precision: precision)
            XCTAssertNoThrow(
              try stored.loadAdapter(adapterFolder), "\(family) \(dtype) \(precision)")
            let other = try TestModels.make(family, seed: 4)
            other.store(as: precision)
            XCTAssertEqual(
              expectAdapterError { try other.loadAdapter(adapterFolder) }?.label, "otherBase")
          }
          let streamed = try CausalLM(streaming: folder)
          XCTAssertEqual(
            BaseFingerprint(streamed), BaseFingerprint(try CausalLM(directory: folder)))
        }
      }
    }
  }

  /// Folders of others, and damaged fingerprints, load as ever.
  func testAFolderWithoutAFingerprintLoads() throws {
    try Files.withTemporaryFolder { root in
      let folder = root.appendingPathComponent("adapter").path
      let source = try TestModels.make("llama")
      try source.attach(LoRA(rank: 2)).save(to: folder)
      XCTAssertEqual(source.adapters.names, ["default"])
      let path = "\(folder)/adapter_model.safetensors"
      let file = try SafetensorsFile(path: path)
      let items = try file.names.map { SafetensorsFile.Item($0, try file.tensor($0).copied()) }
      for metadata in [[("format", "pt")], [("swift_peft.base", "{\"id\":1}")]] {
        try SafetensorsFile.write(items, metadata: metadata, to: path)
        XCTAssertNoThrow(try TestModels.make("llama", seed: 9).loadAdapter(folder))
      }
    }
  }

  func testTheOutputIsComparedOnDemand() throws {
    try Files.withTemporaryFolder { root in
      let folder = root.appendingPathComponent("adapter").path
      let model = try TestModels.make("llama")
      let adapter = try model.attach(LoRA(rank: 2, alpha: 8))
      adapter.randomize()
      try adapter.save(to: folder)
      let other = try TestModels.make("llama")
      let loaded = try other.loadAdapter(folder)
      XCTAssertTrue(try loaded.checkOutput())
      // The smallest change of the meaning is found, though every tensor fits.
      for parameter in loaded.parameters { parameter.value = parameter.value * 1.5 }
      XCTAssertEqual(expectAdapterError { try loaded.checkOutput() }?.label, "otherOutput")
      XCTAssertEqual(other.adapters.names, ["default"])
      try model.detach("default")
      XCTAssertFalse(try model.attach(LoRA(rank: 2)).checkOutput())
    }
  }
}
