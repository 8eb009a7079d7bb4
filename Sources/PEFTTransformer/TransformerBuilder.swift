import PEFTCheckpoints
import PEFTTensor

/// Builds the parts of a model, asking a source for every parameter by its path.
struct TransformerBuilder {
  private let configuration: TransformerConfiguration
  private let source: any ParameterSource
  private let precision: Precision?
  private var names: TransformerConfiguration.Names { configuration.names }

  init(
    _ configuration: TransformerConfiguration, _ source: any ParameterSource,
    _ precision: Precision?
  ) {
    (self.configuration, self.source, self.precision) = (configuration, source, precision)
  }

  func tokens() throws(CheckpointError) -> Embedding {
    Embedding(
      weight: try source.parameter(
        path(names.tokens, "weight"), [configuration.vocabularySize, configuration.width],
        .normal(configuration.initializerRange)), scale: configuration.embeddingScale)
  }

  func positions() throws(CheckpointError) -> Embedding? {
    guard configuration.positions == .learned else { return nil }
    return Embedding(
      weight: try source.parameter(
        path(names.positions, "weight"), [configuration.maximumPositions, configuration.width],
        .normal(configuration.initializerRange)))
  }

  func tokenTypes() throws(CheckpointError) -> Embedding? {
    guard configuration.tokenTypes > 0 else { return nil }
    return Embedding(
      weight: try source.parameter(
        path(names.tokenTypes, "weight"), [configuration.tokenTypes, configuration.width],
        .normal(configuration.initializerRange)))
  }

  /// The blocks, the lowest first.
  func blocks() throws(CheckpointError) -> [Block] {
    precondition(
      configuration.slidingWindows.count == configuration.layers
        && configuration.heads % configuration.keyValueHeads == 0,
      "Transformer: \(configuration.slidingWindows.count) windows for \(configuration.layers) "
        + "layers, \(configuration.keyValueHeads) key-value heads for \(configuration.heads)")
    var blocks: [Block] = []
    let rotary = rotary()
    for index in 0..<configuration.layers { blocks.append(try block(index, rotary)) }
    return blocks
  }

  private func rotary() -> RotaryPositions? {
    guard case .rotary(let scaling) = configuration.positions else { return nil }
    return RotaryPositions(
      scaling, headWidth: configuration.headWidth,
      maximumPositions: configuration.maximumPositions)
  }

  func norm(_ name: String, width: Int? = nil) throws(CheckpointError) -> Norm {
    let shape = [width ?? configuration.width]
    let offset = configuration.normOffset
    return Norm(
      weight: try source.parameter(path(name, "weight"), shape, offset == 1 ? .zeros : .ones),
      bias: configuration.norm == .layer
        ? try source.parameter(path(name, "bias"), shape, .zeros) : nil,
      epsilon: configuration.normEpsilon, offset: offset)
  }

  private func block(_ index: Int, _ rotary: RotaryPositions?) throws(CheckpointError) -> Block {
    let prefix = "\(names.layers).\(index)"
    let attention = Walk.join(prefix, names.attention)
    let forward = Walk.join(prefix, names.feedForward)
    let (width, inner) = (configuration.width, configuration.feedForwardWidth)
    let queries = configuration.heads * configuration.headWidth
    let keys = configuration.keyValueHeads * configuration.headWidth
    let bias = configuration.hasQueryKeyValueBias
    let projection: SelfAttention.Projection =
      configuration.hasFusedQueryKeyValue
      ? .fused(try linear("\(attention).\(names.query)", width, queries + 2 * keys, bias: bias))
      : .separate(
        query: try linear("\(attention).\(names.query)", width, queries, bias: bias),
        key: try linear("\(attention).\(names.key)", width, keys, bias: bias),
        value: try linear("\(attention).\(names.value)", width, keys, bias: bias))
    let headNorms: (Norm, Norm)? =
      configuration.hasQueryKeyNorm
      ? (
        try norm("\(attention).\(names.queryNorm)", width: configuration.headWidth),
        try norm("\(attention).\(names.keyNorm)", width: configuration.headWidth)
      ) : nil
    let hasBias = configuration.hasFeedForwardBias
    let isFused = configuration.hasFusedGate
    return Block(
      attentionNorm: try norm("\(prefix).\(names.attentionNorm)"),
      attention: SelfAttention(
        projection: projection, norms: headNorms,
        output: try linear(
          "\(attention).\(names.attentionOutput)", queries, width,
          bias: configuration.hasAttentionOutputBias),
        rotary: rotary, layer: index, configuration),
      feedForwardNorm: try norm("\(prefix).\(names.feedForwardNorm)"),
      feedForward: FeedForward(
        gate: configuration.isGated && !isFused
          ? try linear("\(forward).\(names.gate)", width, inner, bias: hasBias) : nil,
        up: try linear(
          "\(forward).\(names.up)", width, isFused ? 2 * inner : inner, bias: hasBias),
        down: try linear("\(forward).\(names.down)", inner, width, bias: hasBias), configuration),
      window: configuration.slidingWindows[index], configuration)
  }

  func linear(
    _ name: String, _ inputs: Int, _ outputs: Int, bias: Bool
  ) throws(CheckpointError) -> Linear {
    let layout = configuration.layout
    let linear = Linear(
      weight: try source.parameter(
        path(name, "weight"), layout == .outputInput ? [outputs, inputs] : [inputs, outputs],
        .normal(configuration.initializerRange)),
      bias: bias ? try source.parameter(path(name, "bias"), [outputs], .zeros) : nil,
      layout: layout)
    // At once, so that never more than one weight is in memory twice.
    if let precision { linear.store(as: precision) }
    return linear
  }

  private func path(_ name: String, _ leaf: String) -> String {
    Walk.join(names.body, "\(name).\(leaf)")
  }
}
