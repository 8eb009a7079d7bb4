import PEFTTensor
import PEFTTransformer

extension PTuning {
  /// The embeddings that go into the network, `[P, D]`.
  static let start = "prompt_encoder.embedding.weight"
  private static let head = "prompt_encoder.mlp_head"
  private static let recurrent = "prompt_encoder.lstm_head"

  /// A tensor of the network; it starts uniformly in `+-1 / sqrt(fan)`, as in PyTorch.
  typealias Part = (name: String, shape: [Int], fan: Int)

  /// The tensors of the network but its input.
  func encoderParts(width: Int) -> [Part] {
    let inner = encoderHiddenSize ?? width
    func linear(_ index: Int, _ inputs: Int, _ outputs: Int) -> [Part] {
      [
        ("\(Self.head).\(index).weight", [outputs, inputs], inputs),
        ("\(Self.head).\(index).bias", [outputs], inputs),
      ]
    }
    switch encoder {
    case .mlp:
      return linear(0, width, inner) + linear(2, inner, inner) + linear(4, inner, width)
    case .lstm:
      var parts: [Part] = []
      for layer in 0..<encoderLayers {
        for direction in ["", "_reverse"] {
          let inputs = layer == 0 ? width : 2 * inner
          let end = "l\(layer)\(direction)"
          parts += [
            ("\(Self.recurrent).weight_ih_\(end)", [4 * inner, inputs], inner),
            ("\(Self.recurrent).weight_hh_\(end)", [4 * inner, inner], inner),
            ("\(Self.recurrent).bias_ih_\(end)", [4 * inner], inner),
            ("\(Self.recurrent).bias_hh_\(end)", [4 * inner], inner),
          ]
        }
      }
      return parts + linear(0, 2 * inner, 2 * inner) + linear(2, 2 * inner, width)
    }
  }

  /// The prompt `[P, D]` that the network makes, or the stored one where there is no network.
  func encode(_ tensors: [String: Tensor], _ dropout: DropoutKeys?) -> Tensor {
    guard var x = tensors[Self.start] else { return PromptLayer.table(tensors) }
    if encoder == .lstm {
      for layer in 0..<encoderLayers {
        if layer > 0 { x = x.dropped(encoderDropout, dropout) }
        let both = ["", "_reverse"].map { direction in
          Self.run(tensors, "l\(layer)\(direction)", x, isReversed: !direction.isEmpty)
        }
        x = .concatenated(both, axis: 1)
      }
    }
    for index in encoder == .mlp ? [0, 2, 4] : [0, 2] {
      if index > 0 { x = x.activated(.relu) }
      x = Self.linear(tensors, "\(Self.head).\(index).weight", "\(Self.head).\(index).bias", x)
    }
    return x
  }

  /// One direction of one layer of the LSTM: `[P, N]` to `[P, H]`, with the gates in PyTorch's order i, f, g, o.
  private static func run(
    _ tensors: [String: Tensor], _ end: String, _ x: Tensor, isReversed: Bool
  ) -> Tensor {
    let inputs = linear(tensors, "\(recurrent).weight_ih_\(end)", "\(recurrent).bias_ih_\(end)", x)
    let (count, width) = (inputs.shape[0], inputs.shape[1] / 4)
    var (state, cell) = (Tensor(zeros: [1, width]), Tensor(zeros: [1, width]))
    var states: [Tensor] = []
    for place in isReversed ? Array((0..<count).reversed()) : Array(0..<count) {
      let gates =
        inputs.prefixAxis(place..<place + 1)
        + linear(tensors, "\(recurrent).weight_hh_\(end)", "\(recurrent).bias_hh_\(end)", state)
      func gate(_ index: Int) -> Tensor { gates.columns(index * width..<(index + 1) * width) }
      cell = gate(1).sigmoid * cell + gate(0).sigmoid * gate(2).activated(.tanh)
      state = gate(3).sigmoid * cell.activated(.tanh)
      states.append(state)
    }
    return .concatenated(isReversed ? states.reversed() : states, axis: 0)
  }

  private static func linear(
    _ tensors: [String: Tensor], _ weight: String, _ bias: String, _ x: Tensor
  ) -> Tensor {
    guard let weight = tensors[weight] else { preconditionFailure("PTuning: no \(weight)") }
    return x.linear(weight: weight, bias: tensors[bias])
  }
}

extension Tensor {
  /// `1 / (1 + exp(-x))`, by the hyperbolic tangent of the half.
  fileprivate var sigmoid: Tensor { scaled(0.5, plus: 0).activated(.tanh).scaled(0.5, plus: 0.5) }
}
