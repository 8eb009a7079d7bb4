import CPEFTKernels
import Foundation
import XCTest

final class KernelsAttentionTests: XCTestCase {
  /// Widths below, at and beside the vector widths; queries and keys of less than a tile, and of several.
  private let cases = [
    Case(queries: 1, keys: 1, width: 1, heads: 1), Case(queries: 5, keys: 9, width: 3, heads: 2),
    Case(queries: 33, keys: 70, width: 8, heads: 1),
    Case(queries: 70, keys: 33, width: 8, heads: 2),
    Case(queries: 16, keys: 16, width: 16, heads: 1),
    Case(queries: 40, keys: 131, width: 20, heads: 1, dropout: 0.3),
    Case(queries: 65, keys: 65, width: 33, heads: 2), Case(queries: 7, keys: 0, width: 4, heads: 1),
    Case(queries: 32, keys: 64, width: 64, heads: 1),
    Case(queries: 9, keys: 40, width: 128, heads: 2, dropout: 0.5),
  ]

  func testTilesOfQueries() {
    for test in cases {
      let reference = Reference(test)
      KernelsCheck.forEachInstructionSet { name in
        for cuts in [1, 2] {
          var sums = [Float](repeating: -77, count: test.heads * test.queries)
          let output = KernelsCheck.output(count: test.queries * test.queryStride) { output in
            test.withProblem { problem, scratch in
              for head in 0..<test.heads {
                for cut in 0..<cuts {
                  peft_attention_forward(
                    &problem, head, output, test.queryStride, &sums, cut, cuts, scratch)
                }
              }
            }
          }
          reference.expectForward(output, sums, "\(name), \(test)")
        }
      }
    }
  }

  func testSingleQueries() {
    for test in cases {
      let reference = Reference(test)
      KernelsCheck.forEachInstructionSet { name in
        var sums = [Float](repeating: -77, count: test.heads * test.queries)
        let output = KernelsCheck.output(count: test.queries * test.queryStride) { output in
          test.withProblem { problem, scratch in
            for head in 0..<test.heads {
              for query in 0..<test.queries {
                peft_attention_row(
                  &problem, head, query, output + query * test.queryStride + head * test.width,
                  &sums[head * test.queries + query], scratch)
              }
            }
          }
        }
        reference.expectForward(output, sums, "\(name), \(test)")
      }
    }
  }

  func testGradients() {
    for test in cases {
      let reference = Reference(test)
      let output = reference.output.map { Float($0) }
      let sums = reference.logSums.map { Float($0) }
      KernelsCheck.forEachInstructionSet { name in
        for cuts in [1, 3] {
          let tile = peft_attention_tile()
          let area = test.heads * ((test.queries + tile - 1) / tile) * test.width * tile
          var tiles = [Float](repeating: -77, count: cuts * area)
          var dk: [Float] = []
          var dv: [Float] = []
          let dq = KernelsCheck.output(count: test.queries * test.queryStride) { dq in
            test.withProblem { problem, scratch in
              dk = KernelsCheck.output(count: test.keys * test.keyStride) { dk in
                dv = KernelsCheck.output(count: test.keys * test.keyStride) { dv in
                  tiles.withUnsafeMutableBufferPointer { tiles in
                    for cut in 0..<cuts {
                      peft_attention_backward(
                        &problem, test.changes, test.queryStride, output, test.queryStride, sums,
                        tiles.baseAddress! + cut * area, dk, test.keyStride, dv, test.keyStride,
                        cut, cuts, scratch)
                    }
                    for head in 0..<test.heads {
                      peft_attention_query_gradient(
                        &problem, head, tiles.baseAddress!, cuts, area, dq, test.queryStride)
                    }
                  }
                }
              }
            }
          }
          let label = "\(name), \(test)"
          reference.expect(dq, reference.dq, stride: test.queryStride, heads: test.heads, label)
          reference.expect(dk, reference.dk, stride: test.keyStride, heads: 1, label)
          reference.expect(dv, reference.dv, stride: test.keyStride, heads: 1, label)
        }
      }
    }
  }
}

/// Sizes and values of one problem; rows have a gap behind the heads.
private struct Case: CustomStringConvertible {
  let queries: Int
  let keys: Int
  let width: Int
  let heads: Int
  var dropout: Float = 0
  let scale: Float = 0.43

  var description: String { "\(queries) x \(keys), width \(width), \(heads) heads" }
  var queryStride: Int { width * heads + 3 }
  var keyStride: Int { width + 5 }
  var queryValues: [Float] { KernelsCheck.values(queries * queryStride, seed: 61, in: -1.5...1.5) }
  var keyValues: [Float] { KernelsCheck.values(keys * keyStride, seed: 62, in: -1.5...1.5) }
  var valueValues: [Float] { KernelsCheck.values(keys * keyStride, seed: 63) }
  var changes: [Float] { KernelsCheck.values(queries * queryStride, seed: 64) }

  /// Bounds of all kinds: everything, causal, a window, empty, reversed, beyond the keys.
  func bounds(_ query: Int) -> (low: Int32, high: Int32) {
    let n = Int32(keys), i = Int32(query)
    switch query % 11 {
    case 7: return (n / 2, n / 2)
    case 8: return (n, 0)
    case 9: return (-5, n + 9)
    default: return query % 3 == 0 ? (max(0, i - 20), i + 1) : (0, i + 2)
    }
  }

  func withProblem(
    _ body: (inout peft_attention, UnsafeMutablePointer<Float>) -> Void
  ) {
    let low = (0..<queries).map { bounds($0).low }, high = (0..<queries).map { bounds($0).high }
    queryValues.withUnsafeBufferPointer { q in
      (keyValues + [0]).withUnsafeBufferPointer { k in
        (valueValues + [0]).withUnsafeBufferPointer { v in
          low.withUnsafeBufferPointer { low in
            high.withUnsafeBufferPointer { high in
              var problem = peft_attention(
                queries: q.baseAddress, keys: k.baseAddress, values: v.baseAddress,
                query_stride: queryStride, key_stride: keyStride, value_stride: keyStride,
                query_count: queries, key_count: keys, width: width, heads: heads,
                low: low.baseAddress, high: high.baseAddress, scale: scale, dropout: dropout,
                dropout_key: 5, dropout_first: 1000)
              let size = peft_attention_scratch(&problem)
              _ = KernelsCheck.output(count: size) { body(&problem, $0) }
            }
          }
        }
      }
    }
  }
}

/// The same in Double, by the definition.
private struct Reference {
  private(set) var output: [Double]
  private(set) var logSums: [Double]
  private(set) var dq: [Double]
  private(set) var dk: [Double]
  private(set) var dv: [Double]
  private let test: Case

  init(_ test: Case) {
    self.test = test
    let (width, scale) = (test.width, Double(test.scale))
    let q = test.queryValues.map { Double($0) }, k = test.keyValues.map { Double($0) }
    let v = test.valueValues.map { Double($0) }, dy = test.changes.map { Double($0) }
    (output, dq) = ([Double](repeating: 0, count: q.count), [Double](repeating: 0, count: q.count))
    (dk, dv) = ([Double](repeating: 0, count: k.count), [Double](repeating: 0, count: k.count))
    logSums = [Double](repeating: 0, count: test.heads * test.queries)
    for head in 0..<test.heads {
      for query in 0..<test.queries {
        let bounds = test.bounds(query)
        let seen =
          max(0, Int(bounds.low))..<max(Int(max(0, bounds.low)), min(test.keys, Int(bounds.high)))
        if seen.isEmpty { continue }
        let at = query * test.queryStride + head * width
        let line = head * test.queries + query
        var kept = [Float](repeating: 1, count: test.keys)
        let ones = kept
        peft_dropout(
          ones, &kept, test.keys, test.dropout, 5, UInt64(1000 + line * test.keys))
        let scores = seen.map { key in
          scale * (0..<width).reduce(0) { $0 + q[at + $1] * k[key * test.keyStride + $1] }
        }
        let sum = scores.reduce(0) { $0 + exp($1) }
        logSums[line] = log2(sum)
        var delta = 0.0
        var slopes: [Double] = []
        for (key, score) in zip(seen, scores) {
          let p = exp(score) / sum
          var slope = 0.0
          for index in 0..<width {
            let mixed = p * Double(kept[key])
            output[at + index] += mixed * v[key * test.keyStride + index]
            dv[key * test.keyStride + index] += mixed * dy[at + index]
            slope += dy[at + index] * v[key * test.keyStride + index] * Double(kept[key])
          }
          slopes.append(slope)
          delta += p * slope
        }
        for ((key, score), slope) in zip(zip(seen, scores), slopes) {
          let change = scale * exp(score) / sum * (slope - delta)
          for index in 0..<width {
            dq[at + index] += change * k[key * test.keyStride + index]
            dk[key * test.keyStride + index] += change * q[at + index]
          }
        }
      }
    }
  }

  func expectForward(_ actual: [Float], _ sums: [Float], _ label: String) {
    expect(actual, output, stride: test.queryStride, heads: test.heads, label)
    // A score is a sum of `width` products of up to 2.25.
    KernelsCheck.expect(sums, logSums, ulps: 16, floor: 4, label + ", sums")
  }

  /// Compares what lies in the heads, relative to the largest element; the gaps must be untouched.
  func expect(
    _ actual: [Float], _ expected: [Double], stride: Int, heads: Int, _ label: String,
    file: StaticString = #filePath, line: UInt = #line
  ) {
    let largest = expected.map { abs($0) }.max() ?? 0
    let inside = expected.indices.filter { $0 % stride < heads * test.width }
    KernelsCheck.expect(
      inside.map { actual[$0] }, inside.map { expected[$0] }, ulps: 40, floor: largest, label,
      file: file, line: line)
    for index in expected.indices where index % stride >= heads * test.width {
      XCTAssertEqual(actual[index], -77, label, file: file, line: line)
    }
  }
}
