/// A circuit of plane rotations on N coordinates, which as a whole is an orthogonal matrix `[N, N]`.
///
/// Coordinates are the states of q qubits, the first qubit being the highest bit, where N is `2^q`. The circuit turns every qubit by an angle of
/// its own (RY), then in each of L layers flips signs (CZ) and turns both qubits of the pairs (0, 1), (2, 3) ..., and then of
/// the pairs (1, 2), (3, 4) ...: `(2 L + 1) q - 2 L` angles.
///
/// Where N is no power of two, two such circuits follow each other, on the first and on the last `2^q` coordinates with
/// `2^q` the largest power below N. They overlap, so that all coordinates mix, and the matrix stays exactly orthogonal, at the
/// price of twice the angles.
public struct RotationCircuit: Sendable, Hashable {
  /// N.
  public let width: Int
  /// L.
  public let layers: Int
  /// How many angles there are.
  public let angleCount: Int
  let gates: [Gate]

  /// One step: coordinates from `start`, `size` of them.
  enum Gate: Sendable, Hashable {
    /// Turns pairs of coordinates that are `distance` apart.
    case turn(start: Int, size: Int, distance: Int, angle: Int)
    /// Changes the sign where the index within the part has both bits.
    case flip(start: Int, size: Int, bits: Int)
  }

  /// A circuit.
  ///
  /// - Parameters:
  ///   - width: N, positive.
  ///   - layers: L, not negative.
  public init(width: Int, layers: Int) {
    precondition(width > 0 && layers >= 0, "RotationCircuit: width \(width), layers \(layers)")
    let qubits = Int.bitWidth - 1 - width.leadingZeroBitCount
    let size = 1 << qubits
    var gates: [Gate] = []
    var angle = 0
    for start in size == width ? [0] : [0, width - size] {
      func turn(_ qubit: Int) {
        gates.append(
          .turn(start: start, size: size, distance: size >> (qubit + 1), angle: angle))
        angle += 1
      }
      for qubit in 0..<qubits { turn(qubit) }
      for _ in 0..<layers {
        for first in [0, 1] {
          for qubit in stride(from: first, to: qubits - 1, by: 2) {
            gates.append(
              .flip(start: start, size: size, bits: size >> (qubit + 1) | size >> (qubit + 2)))
            turn(qubit)
            turn(qubit + 1)
          }
        }
      }
    }
    (self.width, self.layers, self.gates) = (width, layers, gates)
    angleCount = angle
  }
}

extension Tensor {
  /// The first `count` columns of a circuit's matrix, as rows: `[count, N]`, orthonormal whatever the angles are.
  ///
  /// These angles `[P]` may be trained. Gate by gate, in double precision: O(count N P) flops, which is O(count N L log N), and no
  /// matrix `[N, N]`. Saves the result; backward runs the gates in reverse.
  ///
  /// - Parameters:
  ///   - circuit: the gates.
  ///   - count: at most N.
  /// - Returns: `[count, N]`.
  public func frame(of circuit: RotationCircuit, count: Int) -> Tensor {
    precondition(
      shape == [circuit.angleCount] && (0...circuit.width).contains(count),
      "frame: \(shape) angles for \(circuit.angleCount), \(count) columns of \(circuit.width)")
    let angles = array.map(Double.init)
    let result = Tensor(uninitialized: [count, circuit.width])
    Kernels.frame(circuit, angles, to: result)
    let saved = result
    return result.recorded(from: [self]) { gradient, inputs in
      let dy = gradient.contiguous
      inputs[0]?.accumulateFromZero {
        Kernels.addFrameGradient(circuit, angles, saved.detached, dy, into: $0)
      }
    }
  }
}
