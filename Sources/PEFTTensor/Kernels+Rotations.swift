internal import CPEFTKernels
internal import Foundation

/// Circuits of plane rotations, vector by vector in double precision.
extension Kernels {
  /// Row k becomes the circuit's image of the unit vector k.
  static func frame(_ circuit: RotationCircuit, _ angles: [Double], to result: Tensor) {
    let (width, turns) = (circuit.width, turns(angles))
    Parallel.run(result.shape[0]) { _, rows in
      withVectors(1, width) { vector, _ in
        for row in rows {
          vector.update(repeating: 0, count: width)
          vector[row] = 1
          for gate in circuit.gates { apply(gate, turns, sign: 1, to: vector) }
          for i in 0..<width { result.address[row * width + i] = Float(vector[i]) }
        }
      }
    }
  }

  /// Adds the gradients of the angles, from the result and its gradient: the gates run in reverse on both.
  static func addFrameGradient(
    _ circuit: RotationCircuit, _ angles: [Double], _ result: Tensor, _ gradient: Tensor,
    into sums: Tensor
  ) {
    let (width, count, turns) = (circuit.width, result.shape[0], turns(angles))
    // Each row has sums of its own, which are added in order.
    withVectors(count, max(1, angles.count)) { parts, stride in
      parts.update(repeating: 0, count: count * stride)
      Parallel.run(count) { _, rows in
        withVectors(2, width) { vector, _ in
          let change = vector + width
          for row in rows {
            let part = parts + row * stride
            for i in 0..<width {
              vector[i] = Double(result.address[row * width + i])
              change[i] = Double(gradient.address[row * gradient.rowStride + i])
            }
            for gate in circuit.gates.reversed() {
              if case .turn(let start, let size, let distance, let angle) = gate {
                part[angle] += peft_turn_slope(vector + start, change + start, size, distance) / 2
              }
              apply(gate, turns, sign: -1, to: vector)
              apply(gate, turns, sign: -1, to: change)
            }
          }
        }
      }
      for angle in angles.indices {
        var sum = 0.0
        for row in 0..<count { sum += parts[row * stride + angle] }
        sums.address[angle] += Float(sum)
      }
    }
  }

  private static func turns(_ angles: [Double]) -> [(cosine: Double, sine: Double)] {
    angles.map { (cos($0 / 2), sin($0 / 2)) }
  }

  /// A gate, or its inverse where `sign` is -1.
  private static func apply(
    _ gate: RotationCircuit.Gate, _ turns: [(cosine: Double, sine: Double)], sign: Double,
    to vector: UnsafeMutablePointer<Double>
  ) {
    switch gate {
    case .flip(let start, let size, let bits):
      let part = vector + start
      for i in 0..<size where i & bits == bits { part[i] = -part[i] }
    case .turn(let start, let size, let distance, let angle):
      let turn = turns[angle]
      peft_turn_pairs(vector + start, size, distance, turn.cosine, sign * turn.sine)
    }
  }

  /// Pooled memory for some vectors of doubles.
  private static func withVectors(
    _ count: Int, _ width: Int, _ body: (UnsafeMutablePointer<Double>, _ stride: Int) -> Void
  ) {
    let storage = Storage(byteCount: max(1, count * width) * MemoryLayout<Double>.stride)
    withExtendedLifetime(storage) {
      body(storage.address.assumingMemoryBound(to: Double.self), width)
    }
  }
}
