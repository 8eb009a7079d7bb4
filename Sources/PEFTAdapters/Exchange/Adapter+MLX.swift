internal import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor
public import PEFTTransformer

/// How MLX's language models call the parts of a model.
enum MLXNames {
  /// GPT-2's body is called otherwise.
  static func name(_ path: String, _ modelType: String) -> String {
    guard modelType == "gpt2", path.hasPrefix("transformer.") else { return path }
    return "model." + path.dropFirst("transformer.".count)
  }

  /// Our path of a name there.
  static func path(_ name: String, _ modelType: String) -> String {
    guard modelType == "gpt2", name.hasPrefix("model.") else { return name }
    return "transformer." + name.dropFirst("model.".count)
  }

  /// The name within a block; nil for a module beside the blocks.
  static func key(_ path: String) -> (layer: Int, key: String)? {
    let words = path.split(separator: ".")
    guard let place = words.firstIndex(where: { Int($0) != nil }), let layer = Int(words[place])
    else { return nil }
    return (layer, words[(place + 1)...].joined(separator: "."))
  }
}

extension Adapter {
  /// Writes an adapter folder of MLX: `adapters.safetensors` and `adapter_config.json`.
  ///
  /// Matrices are transposed there. One rank and one scale hold for all modules: what is narrower is filled with zeros, other scales
  /// are multiplied into B.
  ///
  /// - Parameters:
  ///   - folder: is made where it does not exist.
  ///   - baseModel: the name or path of the base that the file mentions; nil for the folder of the model.
  /// - Throws: `AdapterError.notAdaptable` for what the format cannot hold: DoRA of other layouts, biases, modules that are trained as a whole;
  ///   `AdapterError.wrongState` on a model that is no language model; `AdapterError.file`.
  public func exportMLX(to folder: String, baseModel: String? = nil) throws(AdapterError) {
    guard let host = host as? CausalLM else {
      throw .wrongState("\"\(name)\" is on no language model, and MLX has adapters of no others")
    }
    let changes = try lowRankChanges(for: "an MLX adapter")
    let type = host.modelType
    let rank = changes.map { $0.a.shape[0] }.max() ?? 1
    let scale = changes[0].scale
    var items: [SafetensorsFile.Item] = []
    var keys: Set<String> = []
    var first = Int.max
    for change in changes {
      let name = MLXNames.name(change.site.path, type)
      let factor = change.scale == scale ? 1 : change.scale / scale
      let (a, b) = (change.a.transposed.contiguous, change.b.transposed.contiguous)
      let missing = rank - change.a.shape[0]
      items.append(
        .init(
          "\(name).lora_a",
          missing == 0 ? a : .concatenated([a, Tensor(zeros: [a.shape[0], missing])], axis: 1)))
      let scaled = factor == 1 ? b : b * factor
      items.append(
        .init(
          "\(name).lora_b",
          missing == 0
            ? scaled : .concatenated([scaled, Tensor(zeros: [missing, b.shape[1]])], axis: 0)))
      let place = MLXNames.key(change.site.path)
      keys.insert(place?.key ?? name)
      if let place { first = min(first, place.layer) }
    }
    let layers = host.configuration.layers
    let configuration = JSON.object([
      .init("fine_tune_type", .string("lora")),
      .init(
        "lora_parameters",
        .object([
          .init("dropout", .number(0)), .init("keys", .array(keys.sorted().map(JSON.string))),
          .init("rank", .integer(rank)),
          .init("scale", .number(Double("\(scale)") ?? Double(scale))),
        ])),
      .init("model", (baseModel ?? host.folder).map(JSON.string) ?? .null),
      // Counted from the last one.
      .init("num_layers", .integer(first == .max ? 0 : max(0, layers - first))),
    ])
    do throws(CheckpointError) {
      try makeFolder(folder)
      try SafetensorsFile.write(
        items, metadata: [("format", "mlx")], to: "\(folder)/adapters.safetensors")
      try atomicallyWrite(configuration.text(.indented), to: "\(folder)/adapter_config.json")
    } catch { throw .file(error) }
  }
}

extension AdapterHost {
  /// Attaches an adapter from a folder that MLX wrote, as LoRA.
  ///
  /// - Parameters:
  ///   - folder: holds `adapter_config.json` and `adapters.safetensors`.
  ///   - name: by which the adapter is called.
  ///   - isTrainable: whether it can be trained further.
  /// - Returns: the adapter, which `save` writes as PEFT has it.
  /// - Throws: `AdapterError`; the model is unchanged then.
  @discardableResult
  public func loadMLXAdapter(
    _ folder: String, name: String = "default", isTrainable: Bool = false
  ) throws(AdapterError) -> Adapter {
    try checkName(name)
    let source: MLXFolder
    do throws(CheckpointError) { source = try MLXFolder(folder, modelType) } catch {
      throw .file(error)
    }
    let resolution = try Resolution(source.method, self, isStrict: true)
    var report = LoadingReport()
    var known: Set<String> = []
    for (tensor, shape) in resolution.expectedTensors {
      known.insert(tensor)
      guard let value = source.tensors[tensor] else {
        report.missing.append(tensor)
        continue
      }
      if value.shape != shape {
        report.misshapen.append(.init(tensor: tensor, expected: shape, found: value.shape))
      }
    }
    report.unexpected = source.tensors.keys.filter { !known.contains($0) }.sorted()
    if !report.isEmpty { throw .doesNotFit(path: source.path, report, nearest: []) }
    let adapter = try attach(source.method, resolution, name: name, stored: source.tensors)
    adapter.isTrainable = isTrainable
    return adapter
  }
}

/// A folder of MLX, read.
private struct MLXFolder {
  let path: String
  let method: LoRA
  /// By the names that PEFT gives them.
  let tensors: [String: Tensor]

  init(_ folder: String, _ modelType: String) throws(CheckpointError) {
    let file = try ConfigurationFile(path: "\(folder)/adapter_config.json")
    path = "\(folder)/adapters.safetensors"
    let kind = try file.string("fine_tune_type", default: "lora")
    guard kind == "lora" else {
      throw file.unsupported("fine_tune_type", hint: "only lora can be read")
    }
    guard let parameters = try file.object("lora_parameters") else {
      throw file.missing("lora_parameters")
    }
    let scale = try parameters.number("scale")
    // Both are bounded by the shapes below; dropout is for training only.
    let rank = try parameters.integer("rank")
    guard rank > 0, rank < 1 << 20, scale.isFinite else {
      throw parameters.invalid("rank", expected: "a positive number", found: "\(rank)")
    }
    let weights = try SafetensorsFile(path: path)
    var tensors: [String: Tensor] = [:]
    var paths: [String] = []
    for name in weights.names {
      let isA = name.hasSuffix(".lora_a")
      guard isA || name.hasSuffix(".lora_b") else {
        throw .unexpectedTensors(path: path, tensors: [name])
      }
      let value = try weights.tensor(name)
      guard value.shape.count == 2 else {
        throw .wrongShape(path: path, tensor: name, expected: [0, rank], found: value.shape)
      }
      let found = value.shape[isA ? 1 : 0]
      guard found == rank else {
        throw .wrongShape(
          path: path, tensor: name,
          expected: isA ? [value.shape[0], rank] : [rank, value.shape[1]], found: value.shape)
      }
      let module = MLXNames.path(String(name.dropLast(".lora_a".count)), modelType)
      if isA { paths.append(module) }
      let isEmbedding = ["embed_tokens", "wte", "wpe"].contains { module.hasSuffix($0) }
      let own =
        isEmbedding
        ? (isA ? "lora_embedding_A" : "lora_embedding_B")
        : (isA ? "lora_A.weight" : "lora_B.weight")
      tensors[AdapterFile.name(own, at: module)] = value.transposed.contiguous
    }
    if paths.isEmpty {
      throw .missingTensor(path: path, tensor: "*.lora_a", nearest: [])
    }
    var method = LoRA(rank: rank, alpha: scale * Double(rank), targets: .names(paths.sorted()))
    method.dropout = 0
    self.method = method
    self.tensors = tensors
  }
}
