import PEFTTensor
public import PEFTTransformer

extension PrefixTuning {
  /// The name of the table `[P, 2 L G K]`: in each row, keys and values of the first layer, then of the next.
  static let table = "prompt_embeddings"
  private static let start = "prompt_encoder.embedding.weight"
  private static let hidden = "prompt_encoder.transform.0"
  private static let output = "prompt_encoder.transform.2"

  /// The table, or the map that makes it, by the names that its parts have in PEFT while it trains them.
  public func sharedTensors(
    _ sites: [AdapterSite], _ host: any AdapterHost
  ) throws(AdapterError) -> TensorsBlueprint? {
    try VirtualTokenSettings.checkPositions(virtualTokens, host)
    let widths = Set(
      sites.compactMap { $0.module as? SelfAttention }.map { $0.groups * $0.headWidth })
    guard let width = widths.first, widths.count == 1 else {
      throw .notAdaptable(
        module: "the model", reason: "its attentions have keys of different widths \(widths)")
    }
    let (tokens, columns) = (virtualTokens, 2 * sites.count * width)
    guard trainsEncoder else {
      return TensorsBlueprint([.init(Self.table, [tokens, columns])]) {
        (generator) throws(AdapterError) in
        [Self.table: try tableStart([tokens, columns], host, &generator)]
      }
    }
    let inner = encoderHiddenSize ?? width
    let entries: [TensorsBlueprint.Entry] = [
      .init(Self.table, [tokens, columns], .kept), .init(Self.start, [tokens, width], .hidden),
      .init("\(Self.hidden).weight", [inner, width], .hidden),
      .init("\(Self.hidden).bias", [inner], .hidden),
      .init("\(Self.output).weight", [columns, inner], .hidden),
      .init("\(Self.output).bias", [columns], .hidden),
    ]
    return TensorsBlueprint(entries) { generator in
      var values = [Self.start: Tensor(normal: 1, shape: [tokens, width], using: &generator)]
      values.addLinear(Self.hidden, [inner, width], &generator)
      values.addLinear(Self.output, [columns, inner], &generator)
      if initialization == .zero {
        for name in ["\(Self.output).weight", "\(Self.output).bias"] {
          values[name] = values[name].map { Tensor(zeros: $0.shape) }
        }
      }
      values[Self.table] = Self.project(values, 0..<columns)
      return values
    }
  }

  private func tableStart(
    _ shape: [Int], _ host: any AdapterHost, _ generator: inout Generator
  ) throws(AdapterError) -> Tensor {
    switch initialization {
    case .random: return Tensor(normal: 1, shape: shape, using: &generator)
    case .zero: return Tensor(zeros: shape)
    case .text(let tokens):
      guard let model = host as? CausalLM else {
        throw .invalidSetting(
          "initialization", expected: "no text, since the model is no language model",
          found: "a text")
      }
      let ids = Indices(tokens, shape: [1, tokens.count])
      do throws(ModelError) { try model.check(ids) } catch {
        throw .invalidSetting("initialization", expected: "tokens of the model", found: "\(error)")
      }
      let layers = model.withoutAdapters { model.keysAndValues(ids) }
      return .concatenated(layers.flatMap { [$0.keys.matrix, $0.values.matrix] }, axis: 1)
    }
  }

  /// Columns of the table, from the table itself or from the map where it is there.
  static func project(_ tensors: [String: Tensor], _ columns: Range<Int>) -> Tensor {
    guard let start = tensors[start], let weight = tensors["\(hidden).weight"],
      let output = tensors["\(output).weight"], let bias = tensors["\(self.output).bias"]
    else {
      guard let table = tensors[table] else { preconditionFailure("PrefixTuning: no table") }
      return table.columns(columns)
    }
    let inner = start.linear(weight: weight, bias: tensors["\(hidden).bias"]).activated(.tanh)
    return inner.linear(weight: output.prefixAxis(columns), bias: bias.columns(columns))
  }
}
