import PEFTAdapters
import PEFTTensor
import PEFTTestSupport
import PEFTTraining
import PEFTTransformer

/// Linear maps that start at zero and are to become given matrices: what an adapter of a matrix can reach.
final class MatrixModel: AdapterHost {
  let maps: [Linear]
  let teachers: [Tensor]
  let adapters = AdapterRegistry()

  var members: Members { ["maps": maps] }

  /// Maps for teachers `[M, N]`.
  init(_ teachers: [Tensor]) {
    self.teachers = teachers
    maps = teachers.map { Linear(weight: Parameter(Tensor(zeros: $0.shape), isTrainable: false)) }
  }

  /// A square matrix with these singular values and random singular vectors.
  static func teacher(_ values: [Float], size: Int, seed: UInt64) throws -> Tensor {
    var generator = Generator(seed: seed)
    let u = try Tensor(normal: 1, shape: [size, size], using: &generator).qr().q
    let v = try Tensor(normal: 1, shape: [size, size], using: &generator).qr().q
    let count = values.count
    return (u.columns(0..<count).contiguous * Tensor(values, shape: [1, count]))
      .linear(weight: v.columns(0..<count).contiguous)
  }

  /// The matrix that a map is with its adapters.
  func matrix(_ index: Int) -> Tensor {
    let size = maps[index].inputs
    var identity = [Float](repeating: 0, count: size * size)
    for place in 0..<size { identity[place * (size + 1)] = 1 }
    return maps[index](Tensor(identity, shape: [size, size]), ForwardContext()).transposed
  }

  /// The squared distance from each teacher.
  var losses: [Tensor] {
    teachers.indices.map {
      let difference = matrix($0) - teachers[$0]
      return (difference * difference).sum()
    }
  }

  /// The sum of the distances, and what adapters add.
  var loss: Tensor {
    let losses = losses
    let sum = losses.dropFirst().reduce(losses[0]) { $0 + $1 }
    return adapters.penalty.map { sum + $0 } ?? sum
  }

  func probeOutput() -> Tensor { withoutGradients { matrix(0) } }

  /// Trains with Adam and a rate that falls along a cosine to nothing.
  func train(steps: Int, rate: Double) {
    let optimizer = AdamW(parameters(.trainable), learningRate: rate, weightDecay: 0)
    for step in 0..<steps {
      optimizer.learningRate = rate * Schedule.cosine(warmup: 0).factor(step: step, total: steps)
      loss.backward()
      optimizer.step()
    }
  }
}
