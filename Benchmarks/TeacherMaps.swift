import PEFT

/// Linear maps that start at zero and are to become given matrices.
final class TeacherMaps: AdapterHost {
  let maps: [Linear]
  let teachers: [Tensor]
  let adapters = AdapterRegistry()
  var members: Members { ["maps": maps] }
  /// The names of the maps.
  var targets: Targets { .names(maps.indices.map { "maps.\($0)" }) }

  /// Maps for square teachers.
  init(_ teachers: [Tensor]) {
    self.teachers = teachers
    maps = teachers.map { Linear(weight: Parameter(Tensor(zeros: $0.shape), isTrainable: false)) }
  }

  /// A square matrix with these singular values and random singular vectors.
  static func teacher(
    _ values: [Float], size: Int = 32, using generator: inout Generator
  ) throws -> Tensor {
    let u = try Tensor(normal: 1, shape: [size, size], using: &generator).qr().q
    let v = try Tensor(normal: 1, shape: [size, size], using: &generator).qr().q
    let count = values.count
    return (u.columns(0..<count).contiguous * Tensor(values, shape: [1, count]))
      .linear(weight: v.columns(0..<count).contiguous)
  }

  /// The transpose of the matrix that a map is with its adapters.
  func matrix(_ index: Int) -> Tensor {
    let size = maps[index].inputs
    let identity = (0..<size * size).map { Float($0 % (size + 1) == 0 ? 1 : 0) }
    return maps[index](Tensor(identity, shape: [size, size]), ForwardContext())
  }

  /// The squared distance from each teacher.
  var losses: [Tensor] {
    teachers.indices.map { index in
      let difference = matrix(index).transposed - teachers[index]
      return (difference * difference).sum()
    }
  }

  func probeOutput() -> Tensor { withoutGradients { matrix(0) } }

  /// Trains with Adam and a rate that falls along a cosine to nothing.
  func train(steps: Int, rate: Double) {
    let optimizer = AdamW(parameters(.trainable), learningRate: rate, weightDecay: 0)
    for step in 0..<steps {
      optimizer.learningRate = rate * Schedule.cosine().factor(step: step, total: steps)
      let losses = losses
      var loss = losses.dropFirst().reduce(losses[0]) { $0 + $1 }
      if let penalty = adapters.penalty { loss = loss + penalty }
      loss.backward()
      optimizer.step()
    }
  }

  /// What is left of all losses.
  var error: Double { withoutGradients { losses.reduce(0) { $0 + Double($1.item) } } }
}
