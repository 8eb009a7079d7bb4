import Foundation
import PEFTAdapters
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// Adapters in the formats of llama.cpp and MLX.
final class ExchangeTests: XCTestCase {
  func testGGUFHoldsTheChangeOfEveryMatrix() throws {
    for family in ["gpt2", "llama", "mistral", "qwen2"] {
      var method = LoRA(rank: 3, alpha: 7, targets: .allLinear)
      method.isRankStabilized = true
      method.rankPattern = [.init(family == "gpt2" ? "mlp.c_fc" : "q_proj", 2)]
      let model = try TestModels.make(family)
      let adapter = try model.attach(method)
      adapter.randomize()
      let file = try gguf(adapter)
      XCTAssertEqual(file.strings["general.type"], "adapter")
      XCTAssertEqual(file.strings["adapter.type"], "lora")
      XCTAssertEqual(
        file.strings["general.architecture"], family == "mistral" ? "llama" : family)
      let alpha = try XCTUnwrap(file.numbers["adapter.lora.alpha"])
      XCTAssertEqual(file.tensors.count, 2 * adapter.modules.count)
      // In the weights themselves the change has to be what a merge makes.
      let before = Dictionary(
        uniqueKeysWithValues: adapter.modules.map {
          ($0.site.path, $0.site.linear!.weight.value.copied())
        })
      try model.merge()
      for module in adapter.modules {
        let path = module.site.path
        let linear = module.site.linear!
        var change = linear.weight.value - before[path]!
        if linear.layout == .inputOutput { change = change.transposed.contiguous }
        let name = try XCTUnwrap(
          Self.names[
            path.components(separatedBy: ".").suffix(2)
              .joined(separator: ".")], path)
        let layer = try XCTUnwrap(path.components(separatedBy: ".").first { Int($0) != nil })
        let a = try XCTUnwrap(file.tensors["blk.\(layer).\(name).weight.lora_a"])
        let b = try XCTUnwrap(file.tensors["blk.\(layer).\(name).weight.lora_b"])
        let rank = a.sizes[1]
        XCTAssertEqual(a.sizes, [linear.inputs, rank])
        XCTAssertEqual(b.sizes, [rank, linear.outputs])
        var heads: Int?
        if ["llama", "mistral"].contains(family) {
          if path.hasSuffix("q_proj") { heads = model.configuration.heads }
          if path.hasSuffix("k_proj") { heads = model.configuration.keyValueHeads }
        }
        for row in 0..<linear.outputs {
          // The definition: [heads, 2, K/2] becomes [heads, K/2, 2].
          var source = row
          if let heads {
            let width = linear.outputs / heads
            let place = row % width
            source = row / width * width + place % 2 * (width / 2) + place / 2
          }
          for column in 0..<linear.inputs {
            var sum = 0.0
            for r in 0..<rank {
              sum += Double(b.values[row * rank + r]) * Double(a.values[r * linear.inputs + column])
            }
            let expected = Double(change.array[source * linear.inputs + column])
            guard abs(sum * Double(alpha) / Double(rank) - expected) < 1e-5 else {
              return XCTFail("\(family) \(path) at \(row), \(column)")
            }
          }
        }
      }
    }
  }

  private static let names = [
    "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up",
    "mlp.c_proj": "ffn_down", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
  ]

  func testAnEmbeddingIsLookedUpByRows() throws {
    let model = try TestModels.make("llama")
    let adapter = try model.attach(LoRA(rank: 2, targets: .names(["embed_tokens"])))
    adapter.randomize()
    let file = try gguf(adapter)
    let table = model.decoder.tokens.weight.shape
    XCTAssertEqual(file.tensors["token_embd.weight.lora_a"]?.sizes, [2, table[0]])
    XCTAssertEqual(file.tensors["token_embd.weight.lora_b"]?.sizes, [2, table[1]])
  }

  func testWhatGGUFCannotHold() throws {
    var dora = LoRA(rank: 2)
    dora.usesWeightDecomposition = true
    var biased = LoRA(rank: 2)
    biased.hasBias = true
    var saved = LoRA(rank: 2)
    saved.modulesToSave = ["norm"]
    for method in [dora, biased, saved] {
      let model = try TestModels.make("llama")
      let adapter = try model.attach(method)
      let error = expectAdapterError { try gguf(adapter) }
      XCTAssertEqual(error?.label.hasPrefix("notAdaptable"), true, "\(String(describing: error))")
      XCTAssertNotNil(expectAdapterError { try adapter.exportMLX(to: "/dev/null/x") })
      XCTAssertEqual(model.adapters.names, ["default"])
    }
    let model = try TestModels.classifier()
    let bert = try model.attach(LoRA(rank: 2))
    XCTAssertEqual(expectAdapterError { try gguf(bert) }?.label, "wrongState")
    XCTAssertEqual(
      expectAdapterError { try bert.exportMLX(to: "/dev/null/x") }?.label, "wrongState")
    XCTAssertEqual(model.adapters.names, ["default"])
  }

  func testMLXRoundTrip() throws {
    for family in ["gpt2", "llama", "qwen2"] {
      try Files.withTemporaryFolder { root in
        let folder = root.appendingPathComponent("mlx").path
        let model = try TestModels.make(family)
        var method = LoRA(rank: 3, alpha: 6, targets: .allLinear)
        method.rankPattern = [.init(family == "gpt2" ? "c_fc" : "q_proj", 2)]
        let adapter = try model.attach(method)
        adapter.randomize()
        try adapter.exportMLX(to: folder)
        let expected = model.sample
        let other = try TestModels.make(family)
        let loaded = try other.loadMLXAdapter(folder)
        XCTAssertEqual(loaded.modules.count, adapter.modules.count)
        XCTAssert(other.sample.isClose(to: expected, within: 1e-5), family)
        let path = family == "gpt2" ? "model.h.0.attn.c_attn" : "model.layers.0.self_attn.v_proj"
        let a = try SafetensorsFile(path: "\(folder)/adapters.safetensors").entry("\(path).lora_a")
        XCTAssertEqual(a.shape, [model.configuration.width, 3])
      }
    }
  }

  func testDamagedMLXFolders() throws {
    try Files.withTemporaryFolder { root in
      let folder = root.appendingPathComponent("mlx").path
      let source = try TestModels.make("llama")
      try source.attach(LoRA(rank: 2)).exportMLX(to: folder)
      XCTAssertEqual(source.adapters.names, ["default"])
      let path = "\(folder)/adapters.safetensors"
      let file = try SafetensorsFile(path: path)
      let good = try file.names.map { ($0, try file.tensor($0).copied()) }
      func items(_ change: (inout [(String, Tensor)]) -> Void) -> [SafetensorsFile.Item] {
        var tensors = good
        change(&tensors)
        return tensors.map { SafetensorsFile.Item($0.0, $0.1) }
      }
      let cases: [(String, [SafetensorsFile.Item])] = [
        ("half a pair", items { $0.removeFirst() }),
        ("another name", items { $0[0].0 = "model.layers.9.self_attn.q_proj.lora_a" }),
        ("no such suffix", items { $0[0].0 += "x" }),
        ("another rank", items { $0[0].1 = Tensor(zeros: [16, 3]) }),
        ("one axis", items { $0[0].1 = Tensor(zeros: [16]) }),
        ("nothing", items { $0 = [] }),
      ]
      for (label, items) in cases {
        try SafetensorsFile.write(items, to: path)
        let model = try TestModels.make("llama")
        XCTAssertNotNil(expectAdapterError(label) { try model.loadMLXAdapter(folder) })
        XCTAssertEqual(model.adapters.names, [], label)
      }
    }
  }

  private func gguf(_ adapter: Adapter) throws -> GGUFContent {
    try Files.withTemporaryFolder { root in
      let path = root.appendingPathComponent("adapter.gguf").path
      try adapter.exportGGUF(to: path)
      return try GGUFContent(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
  }
}

/// A reader of GGUF, from its specification.
struct GGUFContent {
  private(set) var strings: [String: String] = [:]
  private(set) var numbers: [String: Float] = [:]
  private(set) var tensors: [String: (sizes: [Int], values: [Float])] = [:]

  init(_ data: Data) throws {
    let bytes = [UInt8](data)
    var place = 4
    func integer(_ count: Int) -> Int {
      defer { place += count }
      return (0..<count).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
    }
    func text() -> String {
      let count = integer(8)
      defer { place += count }
      return String(decoding: bytes[place..<place + count], as: UTF8.self)
    }
    XCTAssertEqual(String(decoding: bytes[0..<4], as: UTF8.self), "GGUF")
    XCTAssertEqual(integer(4), 3)
    let (tensorCount, settingCount) = (integer(8), integer(8))
    for _ in 0..<settingCount {
      let name = text()
      switch integer(4) {
      case 4: numbers[name] = Float(integer(4))
      case 6: numbers[name] = Float(bitPattern: UInt32(integer(4)))
      case 8: strings[name] = text()
      case let type: XCTFail("\(name) has type \(type)")
      }
    }
    var places: [(String, [Int], Int)] = []
    for _ in 0..<tensorCount {
      let name = text()
      let sizes = (0..<integer(4)).map { _ in integer(8) }
      XCTAssertEqual(integer(4), 0)
      places.append((name, sizes, integer(8)))
    }
    let start = (place + 31) / 32 * 32
    for (name, sizes, offset) in places {
      XCTAssertEqual(offset % 32, 0)
      place = start + offset
      tensors[name] = (
        sizes,
        (0..<sizes.reduce(1, *)).map { _ in Float(bitPattern: UInt32(integer(4))) }
      )
    }
    XCTAssertEqual((place + 31) / 32 * 32, bytes.count)
  }
}
