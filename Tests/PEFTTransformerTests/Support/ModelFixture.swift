import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// A tiny model that Transformers saved, and what it computed with it; see `make_models.py`.
struct ModelFixture {
  static let names = [
    "gpt2", "gpt2-untied", "gpt2-bare", "llama", "llama-sharded", "llama-linear", "llama-llama3",
    "llama-dynamic", "mistral", "mistral-full", "qwen2", "qwen2-window", "qwen2-types",
    "qwen3", "qwen3-window", "gemma", "gemma-older", "phi3", "phi3-full",
  ]

  let name: String
  let folder: String
  let model: CausalLM
  /// Rows that are not padded.
  let rows: [[Int32]]
  private let expected: SafetensorsFile

  init(_ name: String) throws {
    self.name = name
    folder = Files.fixture("Models/\(name)").path
    model = try CausalLM(directory: folder)
    expected = try SafetensorsFile(path: folder + "/expected.safetensors")
    let lengths = try expected.indices("lengths").values.map(Int.init)
    let ids = try expected.indices("ids")
    rows = lengths.indices.map { Array(ids.row($0).prefix(lengths[$0])) }
  }

  static func all() throws -> [ModelFixture] { try names.map(ModelFixture.init) }

  func tensor(_ name: String) throws -> Tensor { try expected.tensor(name) }
  func indices(_ name: String) throws -> Indices { try expected.indices(name) }
  func tokens(_ name: String) throws -> [[Int32]] {
    let ids = try expected.indices(name)
    return (0..<ids.shape[0]).map { Array(ids.row($0)) }
  }

  /// The rows with labels, padded on the right.
  func batch() throws -> TokenBatch {
    let ids = try expected.indices("ids")
    return TokenBatch(ids: ids, keys: rows.map { 0..<$0.count }, labels: try indices("labels"))
  }

  /// The rows padded on the left, and where they stand.
  var leftPadded: (ids: Indices, keys: [Range<Int>]) {
    let longest = rows.map(\.count).max() ?? 0
    let ids = rows.flatMap { Array(repeating: 0, count: longest - $0.count) + $0 }
    return (
      Indices(ids, shape: [rows.count, longest]), rows.map { longest - $0.count..<longest }
    )
  }
}

/// Compares logits `[B, T, V]` at the places that are no padding.
///
/// 1e-4 of the largest logit: two orders above what float32 sums in another order differ by in models this small, and as
/// far below what a wrong mask, position or constant changes.
func expectLogits(
  _ actual: Tensor, _ expected: Tensor, keys: [Range<Int>]? = nil, tolerance: Double = 1e-4,
  _ message: String, file: StaticString = #filePath, line: UInt = #line
) {
  XCTAssertEqual(actual.shape, expected.shape, message, file: file, line: line)
  let keys = keys ?? Array(repeating: 0..<expected.shape[1], count: expected.shape[0])
  let places = keys.enumerated().flatMap { row, range in
    range.map { Int32(row * expected.shape[1] + $0) }
  }
  let (a, e) = (
    actual.matrix.rows(at: Indices(places)), expected.matrix.rows(at: Indices(places))
  )
  expectClose(
    a.array, e.array.map(Double.init), absolute: tolerance * Double(largest(e)), message,
    file: file, line: line)
}

/// The largest magnitude of an element.
func largest(_ tensor: Tensor) -> Float { tensor.array.reduce(0) { max($0, abs($1)) } }

/// Fails where `body` does not throw exactly `error`.
func expectError<Failure: Error & Equatable>(
  _ error: Failure, _ message: String = "", file: StaticString = #filePath, line: UInt = #line,
  _ body: () throws -> Void
) {
  XCTAssertThrowsError(try body(), message, file: file, line: line) { thrown in
    XCTAssertEqual(thrown as? Failure, error, "\(message) \(thrown)", file: file, line: line)
  }
}
