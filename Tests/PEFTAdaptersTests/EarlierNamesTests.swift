import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Settings and folders that name the modules of ViT as versions of Transformers before the fifth did.
final class EarlierNamesTests: XCTestCase {
  private func paths(_ targets: Targets, _ change: (inout LoRA) -> Void = { _ in }) throws
    -> [String]
  {
    var method = LoRA(rank: 2, targets: targets)
    change(&method)
    return try method.plan(try TestModels.images()).matches.map(\.path)
  }

  func testTargetsMeanTheSameModules() throws {
    for (earlier, own) in [
      (["query", "value"], ["q_proj", "v_proj"]),
      (["dense"], ["o_proj", "fc1", "fc2"]),
      (["output.dense"], ["o_proj", "fc2"]),
      (["attention.output.dense"], ["attention.o_proj"]),
      (["intermediate.dense", "classifier"], ["mlp.fc1", "classifier"]),
      (
        ["vit.encoder.layer.1.attention.attention.key", "q_proj"],
        ["vit.layers.1.attention.k_proj", "q_proj"]
      ),
      (["layer.0.output.dense"], ["vit.layers.0.mlp.fc2"]),
    ] {
      XCTAssertEqual(try paths(.names(earlier)), try paths(.names(own)), "\(earlier)")
    }
    XCTAssertEqual(
      try paths(.pattern(#".*encoder\.layer\.1\..*(query|intermediate\.dense)"#)),
      ["vit.layers.1.attention.q_proj", "vit.layers.1.mlp.fc1"])
    XCTAssertEqual(
      try paths(.allLinear) { $0.excluded = .names(["dense", "classifier"]) },
      try paths(.names(["q_proj", "k_proj", "v_proj"])))
    let layers = try paths(.names(["query"])) {
      ($0.layersToTransform, $0.layersPattern) = ([1], ["layer"])
    }
    XCTAssertEqual(layers, ["vit.layers.1.attention.q_proj"])
  }

  func testNamesThatNothingHasAreRefused() throws {
    for name in ["encoder.query", "self.query", "qry"] {
      let error = expectAdapterError(name) { try paths(.names([name])) }
      XCTAssertEqual(error?.label, "deadPatterns target_modules", name)
    }
  }

  func testRanksAndModulesToSaveMeanTheSameModules() throws {
    var method = LoRA(rank: 2, alpha: 4, targets: .names(["query", "output.dense"]))
    method.rankPattern = [
      .init("attention.output.dense", 3), .init("layer.1.*query", 5), .init("output.dense", 4),
    ]
    method.alphaPattern = [.init("fc2", 9), .init("query", 7)]
    method.modulesToSave = ["encoder.layer.0.intermediate.dense", "classifier"]
    let plan = try method.plan(try TestModels.images())
    XCTAssertEqual(
      plan.matches.map { "\($0.path) \($0.rank ?? 0) \($0.alpha ?? 0)" },
      [
        "vit.layers.0.attention.q_proj 2 7.0", "vit.layers.0.attention.o_proj 3 4.0",
        "vit.layers.0.mlp.fc2 4 9.0", "vit.layers.1.attention.q_proj 5 7.0",
        "vit.layers.1.attention.o_proj 3 4.0", "vit.layers.1.mlp.fc2 4 9.0",
      ])
    XCTAssertEqual(
      plan.copies.map(\.path),
      [
        "vit.layers.0.mlp.fc1.weight", "vit.layers.0.mlp.fc1.bias", "classifier.weight",
        "classifier.bias",
      ])
  }

  func testScaledInputsMeanTheSameModules() throws {
    let model = try TestModels.images()
    let adapter = try model.attach(
      IA3(targets: .names(["key", "output.dense"]), feedForward: .names(["output.dense"])))
    let shapes = adapter.tensorShapes.filter { $0.key.contains("layers.0") }
    XCTAssertEqual(
      shapes,
      [
        "base_model.model.vit.layers.0.attention.k_proj.ia3_l": [32, 1],
        "base_model.model.vit.layers.0.attention.o_proj.ia3_l": [1, 32],
        "base_model.model.vit.layers.0.mlp.fc2.ia3_l": [1, 72],
      ])
  }

  /// A folder of PEFT, and the same with the names of both times: all of them give the same model, and are saved by its names.
  func testFoldersOfEitherTimeLoad() throws {
    let item = Files.fixture("Oracle/vit-lora").path
    let file = try SafetensorsFile(path: item + "/adapter_final/adapter_model.safetensors")
    let model = try ImageClassifier(directory: item + "/base")
    try model.loadAdapter(item + "/adapter_final")
    let output = model.probeOutput().array
    try Files.withTemporaryFolder { root in
      let earlier = root.path + "/earlier"
      try FileManager.default.createDirectory(
        atPath: earlier, withIntermediateDirectories: true)
      try SafetensorsFile.write(
        try file.names.map { name in
          .init(Self.earlier(name), try file.tensor(name))
        }, to: earlier + "/adapter_model.safetensors")
      try writeSettings(
        item + "/adapter_final", to: earlier,
        [.init("target_modules", .array([.string("query"), .string("value")]))])

      let other = try ImageClassifier(directory: item + "/base")
      let adapter = try other.loadAdapter(earlier)
      XCTAssertTrue(adapter.loadingReport.isEmpty)
      XCTAssertEqual(other.probeOutput().array, output)
      try adapter.save(to: root.path + "/own")
      let settings = try JSON(
        parsing: Data(contentsOf: root.appendingPathComponent("own/adapter_config.json")))
      XCTAssertEqual(
        settings["target_modules"]?.elements?.compactMap(\.string), ["q_proj", "v_proj"])
      let saved = try SafetensorsFile(path: root.path + "/own/adapter_model.safetensors")
      XCTAssertEqual(saved.names.sorted(), file.names.sorted())

      // Merged, saved by the names of checkpoints, and the folder of today on a base with the names of memory.
      try other.merge("default")
      try other.save(to: root.path + "/merged")
      expectClose(
        try ImageClassifier(directory: root.path + "/merged").probeOutput().array,
        output.map(Double.init), absolute: 1e-5)
      let renamed = root.path + "/renamed"
      try model.save(to: renamed)
      try SafetensorsFile.write(
        model.walk(includingAdapters: false).parameters.map {
          .init($0.path, $0.parameter.value)
        }, to: renamed + "/model.safetensors")
      let third = try ImageClassifier(directory: renamed)
      try third.loadAdapter(earlier)
      XCTAssertEqual(third.probeOutput().array, output)
    }
  }

  private static func earlier(_ name: String) -> String {
    name.replacingOccurrences(of: "vit.layers.", with: "vit.encoder.layer.")
      .replacingOccurrences(of: "attention.q_proj", with: "attention.attention.query")
      .replacingOccurrences(of: "attention.v_proj", with: "attention.attention.value")
  }

  private func writeSettings(
    _ source: String, to folder: String, _ changed: [JSON.Member]
  ) throws {
    let json = try JSON(
      parsing: Data(contentsOf: URL(fileURLWithPath: source + "/adapter_config.json")))
    let kept = (json.members ?? []).filter { member in
      !changed.contains { $0.name == member.name }
    }
    try JSON.object(kept + changed).text(.indented).write(
      toFile: folder + "/adapter_config.json", atomically: true, encoding: .utf8)
  }
}

extension Adapter {
  /// The shapes of its tensors, by their names in a file.
  fileprivate var tensorShapes: [String: [Int]] {
    Dictionary(uniqueKeysWithValues: tensors.map { ($0.name, $0.parameter.shape) })
  }
}
