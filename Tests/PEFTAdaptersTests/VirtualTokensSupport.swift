import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTransformer
import XCTest

/// What virtual tokens are compared with: the base with a real text before every sequence.
struct TextBefore {
  static let text: [Int32] = [7, 3, 40, 21]
  let model: CausalLM
  let rows: [[Int32]] = [[5, 9, 2, 7, 11, 3, 8], [4], [1, 6, 3, 2, 33, 50, 12]]
  var padded: Indices { Indices(rows: rows, padding: 0) }
  var keys: [Range<Int>] { rows.map { 0..<$0.count } }

  /// A model and, where `hasText`, the rows that a text stands before.
  init(_ family: String) throws { model = try TestModels.make(family) }

  /// The logits at the tokens of every row, computed one row after the other, with the text before it.
  func reference() -> [Tensor] {
    withoutGradients {
      rows.map { row in
        let ids = Self.text + row
        let logits = model(Indices(ids, shape: [1, ids.count]))
        return logits.sliced(axis: 1, Self.text.count..<ids.count)
      }
    }
  }

  /// Compares logits `[B, T, V]` at the tokens.
  func expect(
    _ logits: Tensor, _ reference: [Tensor], from starts: [Int]? = nil, _ message: String,
    file: StaticString = #filePath, line: UInt = #line
  ) {
    for (row, expected) in reference.enumerated() {
      let start = starts?[row] ?? 0
      let found = logits.prefixAxis(row..<row + 1)
        .sliced(axis: 1, start..<start + expected.shape[1])
      expectClose(
        found, expected, absolute: 2e-5 * Double(expected.largest), "\(message) row \(row)",
        file: file, line: line)
    }
  }
}

extension CausalLM {
  /// The loss of padded rows, and the gradients of what is trained, without that the rows are joined.
  func paddedLoss(_ batch: TokenBatch) -> Tensor {
    let (places, labels) = batch.targets
    return self(batch.ids, keys: batch.keys).matrix.rows(at: places).crossEntropy(labels)
  }

  /// Takes the gradients of what is trained, by path.
  func takeGradients(_ loss: Tensor) -> [String: Tensor] {
    loss.backward()
    var result: [String: Tensor] = [:]
    for named in parameters(.trainable) {
      result[named.path] = named.parameter.gradient
      named.parameter.gradient = nil
    }
    return result
  }
}
