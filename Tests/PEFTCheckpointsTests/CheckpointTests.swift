import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import XCTest

final class CheckpointTests: XCTestCase {
  private let sharded = Files.fixture("Checkpoints/sharded")
  private let order = [
    "layer.1.weight", "layer.0.weight", "layer.0.bias", "layer.2.weight", "layer.2.bias",
    "layer.10.weight",
  ]

  private func write(_ text: String, _ name: String, in folder: URL) throws {
    try atomicallyWrite(text, to: folder.appendingPathComponent(name).path)
  }

  func testReadingShards() throws {
    let checkpoint = try Checkpoint(folder: sharded.path)
    XCTAssertEqual(checkpoint.files.count, 4)
    XCTAssertEqual(Set(checkpoint.names), Set(order))
    XCTAssertEqual(checkpoint["layer.10.weight"]?.shape, [4, 5])
    XCTAssertNil(checkpoint["layer.11.weight"])
    XCTAssertEqual(try checkpoint.tensor("layer.2.weight", shape: [5, 6]).shape, [5, 6])
    XCTAssertThrowsError(try checkpoint.tensor("layer.2.weight", shape: [6, 5])) { error in
      XCTAssertEqual(
        error as? CheckpointError,
        .wrongShape(
          path: sharded.appendingPathComponent("model-00002-of-00004.safetensors").path,
          tensor: "layer.2.weight", expected: [6, 5], found: [5, 6]))
    }
    XCTAssertThrowsError(try checkpoint.tensor("layer.2.wieght")) { error in
      guard case .missingTensor(sharded.path, _, let nearest)? = error as? CheckpointError else {
        return XCTFail("\(error)")
      }
      XCTAssertEqual(nearest.first, "layer.2.weight")
    }
  }

  func testWritingShardsEqualsTheReference() throws {
    let checkpoint = try Checkpoint(folder: sharded.path + "/")
    try Files.withTemporaryFolder { folder in
      // What an earlier save left behind, and files of others.
      for name in [
        "model.safetensors", "model-00001-of-00002.safetensors", "model-x-of-00002.safetensors",
        "model_2.safetensors", "config.json",
      ] {
        try write("{}", name, in: folder)
      }
      let items = try order.map { SafetensorsFile.Item($0, try checkpoint.tensor($0)) }
      try Checkpoint.write(items, folder: folder.path, maximumShardBytes: 100)
      let expected = try FileManager.default.contentsOfDirectory(atPath: sharded.path)
      let written = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      XCTAssertEqual(
        Set(written),
        Set(expected + ["model-x-of-00002.safetensors", "model_2.safetensors", "config.json"]))
      for name in expected {
        XCTAssertEqual(
          try Data(contentsOf: folder.appendingPathComponent(name)),
          try Data(contentsOf: sharded.appendingPathComponent(name)), name)
      }
      XCTAssertEqual(try Checkpoint(folder: folder.path).names, checkpoint.names)

      try Checkpoint.write(items, folder: folder.path)
      let single = try Checkpoint(folder: folder.path)
      XCTAssertEqual(single.files.count, 1)
      XCTAssertEqual(Set(single.names), Set(order))
      XCTAssertEqual(try FileManager.default.contentsOfDirectory(atPath: folder.path).count, 4)
    }
  }

  func testOtherNamesAndSingleFiles() throws {
    try Files.withTemporaryFolder { folder in
      try Checkpoint.write(
        [.init("i", Indices([3, 4]), as: .int32)], folder: folder.path, name: "adapter_model")
      let checkpoint = try Checkpoint(folder: folder.path, name: "adapter_model")
      XCTAssertEqual(try checkpoint.indices("i").values, [3, 4])
      XCTAssertEqual(try checkpoint.bytes("i"), [3, 0, 0, 0, 4, 0, 0, 0])
      let file = folder.appendingPathComponent("adapter_model.safetensors").path
      XCTAssertEqual(try Checkpoint(file: file).names, ["i"])
      XCTAssertThrowsError(try Checkpoint(folder: folder.path)) { error in
        guard case .fileUnreadable? = error as? CheckpointError else {
          return XCTFail("\(error)")
        }
      }
    }
  }

  func testPicklesAreRefused() throws {
    try Files.withTemporaryFolder { folder in
      for (file, name) in [
        ("pytorch_model.bin", "model"), ("pytorch_model.bin.index.json", "model"),
        ("adapter_model.bin", "adapter_model"),
      ] {
        try write("x", file, in: folder)
        XCTAssertThrowsError(try Checkpoint(folder: folder.path, name: name)) { error in
          guard case .unsupportedFile(let path, _)? = error as? CheckpointError else {
            return XCTFail("\(error)")
          }
          XCTAssertEqual(path, folder.appendingPathComponent(file).path)
        }
        try FileManager.default.removeItem(at: folder.appendingPathComponent(file))
      }
    }
  }

  func testBrokenIndexes() throws {
    try Files.withTemporaryFolder { folder in
      let one = folder.appendingPathComponent("one.safetensors").path
      try SafetensorsFile.write([.init("a", Tensor([1])), .init("b", Tensor([2]))], to: one)
      let two = folder.appendingPathComponent("two.safetensors").path
      try SafetensorsFile.write([.init("b", Tensor([3]))], to: two)
      for (index, expected) in [
        ("{", "invalid JSON"), ("[]", "\"weight_map\""), ("{}", "has no field \"weight_map\""),
        (#"{"weight_map":[]}"#, "an array, expected an object"),
        (#"{"weight_map":{}}"#, "at least one tensor"),
        (#"{"weight_map":{"a":1}}"#, "an integer, expected a file name"),
        (#"{"weight_map":{"a":"../one.safetensors"}}"#, "beside the index"),
        (#"{"weight_map":{"a":"/one.safetensors"}}"#, "beside the index"),
        (#"{"weight_map":{"a":"..\\one.safetensors"}}"#, "beside the index"),
        (#"{"weight_map":{"a":"one.safetensors\u0000"}}"#, "beside the index"),
        (#"{"weight_map":{"a":"one.bin"}}"#, "beside the index"),
        (#"{"weight_map":{"a":""}}"#, "beside the index"),
        (#"{"weight_map":{"a":"three.safetensors"}}"#, "three.safetensors: cannot be read"),
        (#"{"weight_map":{"a":"two.safetensors"}}"#, "two.safetensors: has no tensor \"a\""),
        (#"{"weight_map":{"c":"one.safetensors"}}"#, "one.safetensors: has no tensor \"c\""),
        (#"{"weight_map":{"a":"one.safetensors","a":"one.safetensors"}}"#, "twice"),
      ] {
        try write(index, "model.safetensors.index.json", in: folder)
        XCTAssertThrowsError(try Checkpoint(folder: folder.path), index) { error in
          XCTAssertTrue(
            "\(error)".contains(expected.replacing("invalid JSON", with: "JSON")), "\(error)")
          XCTAssertTrue(error is CheckpointError)
        }
      }
      try write(
        #"{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}"#,
        "model.safetensors.index.json", in: folder)
      XCTAssertEqual(try Checkpoint(folder: folder.path).tensor("b").item, 3)
    }
  }
}
