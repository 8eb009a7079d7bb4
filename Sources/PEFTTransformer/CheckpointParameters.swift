import PEFTCheckpoints
import PEFTTensor

/// Frozen parameters from a checkpoint, in which the name of the part below the head may be left out or stand before, and modules may have
/// the names that the family has in checkpoints or in memory.
final class CheckpointParameters: ParameterSource {
  private let checkpoint: Checkpoint
  private let configuration: TransformerConfiguration
  private let names: Set<String>
  /// What stands before the names of the part below the head in the model.
  private let prefix: String
  /// What stands there in the checkpoint.
  private let storedPrefix: String
  private var read: Set<String> = []
  /// Whether tensors are read each time they are asked for.
  private let isStreamed: Bool
  private let added: AddedTokens?
  /// The paths of the modules of which a parameter was made and not read.
  private(set) var newModules: [String] = []
  private let made: (isMade: (String) -> Bool, source: RandomParameters)

  /// A source for a model with the names of `configuration`.
  ///
  /// - Parameters:
  ///   - checkpoint: what is read.
  ///   - configuration: of the checkpoint.
  ///   - body: how the part below the head is called in the model; nil for as in the configuration.
  ///   - seed: of new parameters.
  ///   - isStreamed: whether tensors are read each time they are asked for.
  ///   - added: tokens of the configuration that the checkpoint lacks.
  ///   - isMade: whether the parameter of a path is made new and not read; gets whether the checkpoint has it.
  init(
    _ checkpoint: Checkpoint, _ configuration: TransformerConfiguration, body: String? = nil,
    seed: UInt64 = 0, isStreamed: Bool = false, added: AddedTokens? = nil,
    isMade: @escaping (_ path: String, _ isStored: Bool) -> Bool = { _, _ in false }
  ) {
    self.checkpoint = checkpoint
    self.configuration = configuration
    (self.isStreamed, self.added) = (isStreamed, added)
    let names = Set(checkpoint.names)
    self.names = names
    let (own, tokens) = (configuration.names.body, configuration.names.tokens)
    // Checkpoints of the bare model, as the first ones of GPT-2, have no prefix.
    let isBare = !names.contains("\(own).\(tokens).weight") && names.contains("\(tokens).weight")
    let (prefix, storedPrefix) = (
      (body ?? own).isEmpty ? "" : (body ?? own) + ".", isBare ? "" : own + "."
    )
    (self.prefix, self.storedPrefix) = (prefix, storedPrefix)
    made = (
      { path in isMade(path, names.contains(Self.renamed(path, prefix, storedPrefix))) },
      RandomParameters(seed: seed, isTrainable: false)
    )
  }

  func parameter(
    _ path: String, _ shape: [Int], _ initial: InitialValue
  ) throws(CheckpointError) -> Parameter {
    if made.isMade(path) {
      let module = path.lastIndex(of: ".").map { String(path[..<$0]) } ?? path
      if newModules.last != module { newModules.append(module) }
      return try made.source.parameter(path, shape, initial)
    }
    let name = storedName(path)
    if let added, isTable(path) {
      read.insert(name)
      let table = try checkpoint.tensor(name, shape: [shape[0] - added.count, shape[1]])
      return Parameter(added.extended(table), isTrainable: false)
    }
    if shape.count == 2 {
      // The matrix is stored as [outputs, inputs] whatever the layout of the layer.
      let isHead = path == "\(configuration.names.head).weight"
      let layout = isHead ? .outputInput : configuration.layout
      let size = layout == .outputInput ? shape : shape.reversed()
      if let weight = try FourBitWeight(
        name, in: checkpoint, shape: size, read: { read.insert($0) })
      {
        return Parameter(weight, layout)
      }
      if let weight = try Int8Weight(name, in: checkpoint, shape: size, read: { read.insert($0) }) {
        return Parameter(weight, layout)
      }
    }
    read.insert(name)
    if isStreamed { return Parameter(try checkpoint.streamed(name, shape: shape)) }
    return Parameter(try checkpoint.tensor(name, shape: shape), isTrainable: false)
  }

  /// Whether a parameter has a row for each token.
  private func isTable(_ path: String) -> Bool {
    path == prefix + configuration.names.tokens + ".weight"
      || path == configuration.names.head + ".weight"
  }

  func requireEverythingRead(_ isKnown: (String) -> Bool) throws(CheckpointError) {
    let rest = checkpoint.names.filter { !read.contains($0) && !isKnown($0) }
    if !rest.isEmpty { throw .unexpectedTensors(path: checkpoint.path, tensors: rest) }
  }

  /// The name in the checkpoint; the first BERTs called the weight and bias of a norm gamma and beta, and the bias of a masked language
  /// model may stand under the other of its names.
  private func storedName(_ path: String) -> String {
    let own = Self.renamed(path, prefix, storedPrefix)
    guard !names.contains(own) else { return own }
    let name = configuration.names.aliases.stored(own)
    guard !names.contains(name) else { return name }
    for (own, older) in [("LayerNorm.weight", "gamma"), ("LayerNorm.bias", "beta")]
    where name.hasSuffix(own) {
      let old = name.dropLast(own.utf8.count) + "LayerNorm." + older
      if names.contains(String(old)) { return String(old) }
    }
    guard let masked = configuration.maskedHead else { return name }
    let biases = [masked.bias, "\(masked.output).bias"]
    return biases.contains(name) ? biases.first(where: names.contains) ?? name : name
  }

  private static func renamed(_ path: String, _ prefix: String, _ stored: String) -> String {
    path.hasPrefix(prefix) ? stored + path.dropFirst(prefix.count) : path
  }
}
