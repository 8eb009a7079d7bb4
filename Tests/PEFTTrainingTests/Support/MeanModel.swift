import PEFTTensor
import PEFTTraining
import PEFTTransformer

/// Learns the mean of points: the loss is the mean squared distance of a batch's points from the parameter.
final class MeanModel: Module, TrainableModel {
  struct Points: TrainingBatch {
    var values: [Float]
    var targetCount: Int { values.count }
    var tokenCount: Int { values.count }
  }

  let mean: Parameter
  /// How many losses were computed.
  private(set) var losses = 0
  /// Replaces the loss of this number, from 1.
  var replacement: (number: Int, loss: (Parameter) -> Tensor)?

  init(_ start: Float) { mean = Parameter(Tensor([start])) }

  var members: Members { ["mean": mean] }

  func loss(_ batch: Points) -> Tensor {
    losses += 1
    if let replacement, replacement.number == losses { return replacement.loss(mean) }
    let distance = Tensor(batch.values) - mean.tensor
    return (distance * distance).mean()
  }

  func evaluate(_ batch: Points) -> (sum: Double, count: Int) {
    let mean = Double(mean.value.item)
    return (
      batch.values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) }, batch.values.count
    )
  }
}
