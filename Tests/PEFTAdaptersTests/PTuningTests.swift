import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer
import XCTest

final class PTuningTests: XCTestCase {
  func testContract() throws {
    for encoder in [PTuning.Encoder.mlp, .lstm] {
      try checkAdapter(
        PTuning(virtualTokens: 3, encoder: encoder),
        families: encoder == .mlp ? ["gpt2"] : ["llama"],
        precisions: encoder == .mlp ? [.float32, .bfloat16, .nf4] : [.float32]
      ) {
        ($0.identityTolerance, $0.mergeTolerance) = (nil, nil)
      }
    }
  }

  func testContractOfClassifiersAndCopies() throws {
    try checkAdapter(
      PTuning(virtualTokens: 3), families: ["bert"], precisions: [.float32]
    ) {
      ($0.identityTolerance, $0.mergeTolerance) = (nil, nil)
    }
    var method = PTuning(virtualTokens: 2)
    method.modulesToSave = ["ln_f"]
    try checkAdapter(method, families: ["gpt2"], precisions: [.float32]) {
      ($0.identityTolerance, $0.mergeTolerance) = (nil, nil)
    }
  }

  func testTheFolderHasWhatTheNetworkMakesAndTrainingGoesOn() throws {
    for encoder in [PTuning.Encoder.mlp, .lstm] {
      let model = try TestModels.make("gpt2")
      let adapter = try model.attach(PTuning(virtualTokens: 3, encoder: encoder))
      func step(_ model: CausalLM) {
        let optimizer = SGD([ParameterGroup(model.parameters(.trainable))], learningRate: 0.1)
        model.loss(model.batch).backward()
        optimizer.step()
      }
      step(model)
      try Files.withTemporaryFolder { folder in
        try adapter.save(to: folder.path)
        let again = try TestModels.make("gpt2")
        try again.loadAdapter(folder.path, isTrainable: true)
        // As PEFT sees the folder.
        try FileManager.default.removeItem(
          atPath: folder.path + "/adapter_training.safetensors")
        let plain = try TestModels.make("gpt2")
        let table = try plain.loadAdapter(folder.path, isTrainable: true)
        XCTAssertEqual(table.parameters.map(\.shape), [[3, 32]])
        expectClose(plain.sample, model.sample, absolute: 1e-5)
        step(model)
        step(again)
        XCTAssertEqual(again.sample.bits, model.sample.bits)
      }
    }
  }

  func testDropoutStandsBetweenTheLayersOfTheLSTM() throws {
    let model = try TestModels.make("gpt2")
    var method = PTuning(virtualTokens: 3, encoder: .lstm)
    (method.encoderDropout, method.encoderHiddenSize) = (0.5, 4)
    try model.attach(method)
    let kept = model.loss(model.batch, isTraining: false).item
    XCTAssertEqual(model.loss(model.batch, isTraining: false).item, kept)
    XCTAssertNotEqual(model.loss(model.batch).item, kept)
    try model.detach("default")
    (method.encoder, method.encoderDropout) = (.mlp, 0.5)
    try model.attach(method)
    XCTAssertEqual(
      model.loss(model.batch).item, model.loss(model.batch, isTraining: false).item)
  }

  func testSettingsThatMakeNoSense() throws {
    let model = try TestModels.make("gpt2")
    func label(_ change: (inout PTuning) -> Void) -> String? {
      var method = PTuning(virtualTokens: 4)
      change(&method)
      return expectAdapterError { try model.attach(method) }?.label
    }
    XCTAssertEqual(label { $0.virtualTokens = -1 }, "invalidSetting num_virtual_tokens")
    XCTAssertEqual(label { $0.encoderHiddenSize = 0 }, "invalidSetting encoder_hidden_size")
    XCTAssertEqual(label { $0.encoderLayers = 0 }, "invalidSetting encoder_num_layers")
    XCTAssertEqual(label { $0.encoderDropout = .nan }, "invalidSetting encoder_dropout")
  }
}
