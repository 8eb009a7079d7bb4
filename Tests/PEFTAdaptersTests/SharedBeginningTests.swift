import PEFTAdapters
import PEFTTensor
import PEFTTransformer
import XCTest

/// Prompts that begin alike compute that once: also behind virtual tokens, but not where rows have adapters of their own.
final class SharedBeginningTests: XCTestCase {
  private let beginning: [Int32] = (0..<18).map { $0 * 7 % 40 }
  private var prompts: [[Int32]] { [beginning + [3, 1], beginning, beginning + [2, 2, 5]] }
  private let limits = GenerationLimits(newTokens: 5)

  private func options(sharing: Bool) -> KeyValueCache.Options {
    var options = KeyValueCache.Options()
    (options.blockTokens, options.sharesBeginnings) = (4, sharing)
    return options
  }

  func testVirtualTokensStandOnceBeforeWhatIsShared() throws {
    for family in ["llama", "mistral", "gpt2"] {
      for method in [PrefixTuning(virtualTokens: 3), PromptTuning(virtualTokens: 5)]
        as [any AdapterMethod]
      {
        let model = try TestModels.make(family) { $0.maximumPositions = 64 }
        try model.attach(method).randomize(2)
        var bytes: [Int] = []
        let outputs = try [false, true].map { sharing in
          try model.generate(
            prompts, limits, screensHead: false, options(sharing: sharing),
            onEnd: { bytes.append($0.cacheByteCount) })
        }
        XCTAssertEqual(outputs[0], outputs[1], "\(family) \(type(of: method))")
        XCTAssertLessThanOrEqual(bytes[1], bytes[0])
        for (prompt, output) in zip(prompts, outputs[1]) {
          XCTAssertEqual(try model.generate([prompt], limits), [output], family)
        }
      }
    }
  }

  func testRowsWithAdaptersOfTheirOwn() throws {
    let model = try TestModels.make("llama")
    for (seed, name) in ["a", "b"].enumerated() {
      try model.attach(LoRA(rank: 4, alpha: 32, targets: .allLinear), name: name)
        .randomize(UInt64(seed))
    }
    let names: [String?] = ["a", nil, "b"]
    let rows = Array(repeating: prompts[0], count: 3)
    let together = try model.withAdapters(rows: names) { try model.generate(rows, limits) }
    for (name, output) in zip(names, together) {
      let alone = try model.withAdapters(name.map { [$0] } ?? []) {
        try model.generate([prompts[0]], limits)
      }
      XCTAssertEqual(alone, [output], name ?? "none")
    }
    XCTAssertEqual(Set(together).count, 3)
  }
}
