import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

final class KeyValueCacheTests: XCTestCase {
  private func options(
    _ storage: KeyValueCache.Storage = .float32, block: Int = 4, recent: Int = 4
  ) -> KeyValueCache.Options {
    var options = KeyValueCache.Options(storage)
    (options.blockTokens, options.recentTokens) = (block, recent)
    return options
  }

  private func ids(_ item: ModelFixture, _ shape: [Int], seed: UInt64 = 4) -> Indices {
    var random = SeededRandom(seed)
    return random.indices(shape, below: item.model.configuration.vocabularySize)
  }

  func testTheLengthOfBlocksChangesNoBit() throws {
    for item in try ModelFixture.all() {
      let ids = ids(item, [2, 14])
      for pieces in [[5, 1, 1, 3, 4], [1, 6, 7], Array(repeating: 1, count: 14)] {
        let expected = item.model.cachedLogits(ids, pieces: pieces).array
        for block in [1, 3] {
          let found = item.model.cachedLogits(ids, pieces: pieces, options(block: block)).array
          XCTAssertEqual(found, expected, "\(item.name) \(pieces) \(block)")
        }
      }
    }
  }

  /// Padding takes no memory, and a row has the keys, values and codes that it has alone.
  func testRowsBehindPaddingAreAsAlone() throws {
    for storage in KeyValueCache.Storage.allCases {
      for item in try ModelFixture.all() where item.name != "llama-dynamic" {
        let row = ids(item, [1, 13]).values
        let padded = Indices(Array(repeating: 0, count: 7) + row, shape: [1, 20])
        let pieces = [10] + Array(repeating: 1, count: 10)
        let alone = item.model.cachedLogits(
          Indices(row, shape: [1, 13]), pieces: [3] + Array(repeating: 1, count: 10),
          options(storage))
        var bytes: [Int] = []
        let found = item.model.cachedLogits(
          padded, pieces: pieces, starts: [7], options(storage)
        ) { bytes.append($0) }
        expectClose(
          found.sliced(axis: 1, 7..<20), alone, absolute: 1e-5 * Double(largest(alone)),
          "\(item.name) \(storage)")
        let configuration = item.model.configuration
        let block = 2 * 4 * 4 * configuration.keyValueHeads * configuration.headWidth
        if storage == .float32, configuration.slidingWindows.allSatisfy({ $0 == nil }) {
          XCTAssertEqual(bytes.first, configuration.layers * block, item.name)
          XCTAssertEqual(bytes.last, configuration.layers * 4 * block, item.name)
        }
      }
    }
  }

  /// Logits over codes are near those over numbers, and nearer with more bits.
  func testCodesComeNearNumbers() throws {
    let model = try CausalLM(directory: Files.shared("data/stories260K-hf").path)
    let prompt = try model.generate([[1]], GenerationLimits(newTokens: 199))[0]
    let ids = Indices([1] + prompt, shape: [1, 200])
    let pieces = Array(repeating: 1, count: 200)
    let exact = model.cachedLogits(ids, pieces: pieces)
    var errors: [Double] = []
    var sizes: [Int] = []
    for storage in [KeyValueCache.Storage.bit8, .bit4] {
      var bytes = 0
      let found = model.cachedLogits(
        ids, pieces: pieces, options(storage, block: 16, recent: 16)
      ) { bytes = $0 }
      let difference = (found - exact).array.reduce(0) { $0 + Double($1 * $1) }
      errors.append((difference / exact.array.reduce(0) { $0 + Double($1 * $1) }).squareRoot())
      sizes.append(bytes)
    }
    XCTAssertLessThan(errors[0], 0.001)
    XCTAssertLessThan(errors[1], 0.015)
    XCTAssertGreaterThan(errors[1], 5 * errors[0])
    XCTAssertLessThan(sizes[1], sizes[0])
  }

  func testGenerationWithCodes() throws {
    let item = try ModelFixture("qwen3")
    let limits = GenerationLimits(newTokens: 40)
    var bytes: [Int] = []
    let outputs = try KeyValueCache.Storage.allCases.map { storage in
      try item.model.generate(
        item.rows, limits, screensHead: false, options(storage, block: 16),
        onEnd: { bytes.append($0.cacheByteCount) })
    }
    XCTAssertEqual(outputs.map { $0.map(\.count) }, Array(repeating: [40, 40, 40], count: 3))
    XCTAssertLessThan(bytes[1], bytes[0])
    XCTAssertLessThan(bytes[2], bytes[1])
    // Nothing is old enough to be a code.
    for storage in [KeyValueCache.Storage.bit8, .bit4] {
      XCTAssertEqual(
        try item.model.generate(item.rows, limits, cache: storage), outputs[0], "\(storage)")
    }
  }

  /// The text may be as long as one likes: what fell out of the window is let go.
  func testMemoryIsBoundedByTheWindow() throws {
    for name in ["mistral", "phi3", "qwen2-window", "qwen2-types", "qwen3-window"] {
      let item = try ModelFixture(name)
      let windows = item.model.configuration.slidingWindows
      let ids = ids(item, [2, 48])
      var everything = options(block: 2)
      everything.followsWindows = false
      for pieces in [Array(repeating: 1, count: 48), [20, 9, 1, 1, 17]] {
        var (bounded, all): ([Int], [Int]) = ([], [])
        let found = item.model.cachedLogits(ids, pieces: pieces, options(block: 2)) {
          bounded.append($0)
        }
        let expected = item.model.cachedLogits(ids, pieces: pieces, everything) { all.append($0) }
        XCTAssertEqual(found.array, expected.array, name)
        XCTAssertLessThan(bounded[bounded.count - 1], all[all.count - 1], name)
        let width = item.model.configuration.keyValueHeads * item.model.configuration.headWidth
        // As many blocks as the window can touch, in layers that have one.
        let blocks = windows.reduce(0) { $0 + ($1.map { ($0 + 1) / 2 + 1 } ?? 24) }
        XCTAssertLessThanOrEqual(bounded.max() ?? 0, 2 * blocks * 2 * 4 * 2 * width, name)
      }
    }
    let item = try ModelFixture("mistral")
    let bytes = try [40, 400].map { count in
      var bytes = 0
      _ = try item.model.generate(
        [item.rows[0]], GenerationLimits(newTokens: count), screensHead: false, options(block: 2),
        onEnd: { bytes = $0.cacheByteCount })
      return bytes
    }
    XCTAssertEqual(bytes[0], bytes[1])
  }

  func testRowsThatBeginAlikeShareBlocks() throws {
    var random = SeededRandom(6)
    for item in try ModelFixture.all() where item.model.configuration.maximumPositions >= 24 {
      let size = item.model.configuration.vocabularySize
      let beginning = random.indices([18], below: size).values
      let prompts: [[Int32]] = [
        beginning + [3, 1], beginning, beginning + [2], beginning + [3, 1, 1, 7],
      ]
      let limits = GenerationLimits(newTokens: 3)
      var alone = options()
      alone.sharesBeginnings = false
      var bytes: [Int] = []
      let outputs = try [alone, options(), options(.bit8)].map { options in
        try item.model.generate(
          prompts, limits, screensHead: false, options, onEnd: { bytes.append($0.cacheByteCount) })
      }
      XCTAssertEqual(outputs[1], outputs[0], item.name)
      XCTAssertEqual(outputs[2].map(\.count), [3, 3, 3, 3])
      let configuration = item.model.configuration
      if configuration.slidingWindows.allSatisfy({ $0 == nil }) {
        // The first four blocks are there once instead of four times.
        let block = 2 * 4 * 4 * configuration.keyValueHeads * configuration.headWidth
        XCTAssertEqual(bytes[0] - bytes[1], 3 * 4 * block * configuration.layers, item.name)
        XCTAssertLessThanOrEqual(bytes[2], bytes[1], item.name)
      }
    }
  }

  func testRowsThatEndGiveTheirBlocksBack() throws {
    let item = try ModelFixture("llama")
    let configuration = item.model.configuration
    let cache = KeyValueCache(configuration, starts: [0, 2], options())
    var random = SeededRandom(7)
    let width = configuration.keyValueHeads * configuration.headWidth
    func add(_ count: Int) {
      for layer in 0..<configuration.layers {
        let new = random.tensor([2, count, width])
        cache.extend(layer: layer, keys: new, values: new)
        cache.settle(layer: layer)
      }
      cache.advance(by: count)
    }
    let block = 2 * 4 * 4 * width * configuration.layers
    add(7)
    XCTAssertEqual(cache.byteCount, 4 * block)
    cache.end(row: 0)
    XCTAssertEqual(cache.byteCount, 2 * block)
    add(2)
    XCTAssertEqual(cache.byteCount, 2 * block)
    cache.end(row: 1)
    XCTAssertEqual(cache.byteCount, 0)

    // What the other rows say does not change.
    let free = try item.model.generate(item.rows, GenerationLimits(newTokens: 20))
    let stop = free[0][1]
    let stopped = try item.model.generate(
      item.rows, GenerationLimits(newTokens: 20, stopTokens: [stop]), screensHead: false,
      options())
    XCTAssertEqual(stopped, free.map { Array($0.prefix { $0 != stop }) })
  }

  func testStatistics() throws {
    let item = try ModelFixture("llama")
    var statistics: GenerationStatistics?
    let output = try item.model.generate(
      item.rows, GenerationLimits(newTokens: 5), onEnd: { statistics = $0 })
    let found = try XCTUnwrap(statistics)
    XCTAssertEqual(found.promptTokens, item.rows.reduce(0) { $0 + $1.count })
    XCTAssertEqual(found.newTokens, output.reduce(0) { $0 + $1.count })
    XCTAssertGreaterThan(found.promptTime, .zero)
    XCTAssertGreaterThan(found.tokensPerSecond ?? 0, 0)
    let width = item.model.configuration.keyValueHeads * item.model.configuration.headWidth
    XCTAssertEqual(
      found.cacheByteCount, item.model.configuration.layers * 3 * 2 * 64 * width * 4)
    XCTAssertNil(GenerationStatistics().tokensPerSecond)
  }
}
