import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor
public import PEFTTransformer

/// How strictly an adapter folder is read.
public enum LoadingMode: Sendable, Hashable {
  /// Anything missing, unexpected or ignored is an error.
  case strict
  /// It is reported instead.
  case lenient
}

/// What a lenient load passed over.
public struct LoadingReport: Sendable, Hashable {
  /// Tensors that the adapter has and the file lacks; they keep their initial values.
  public var missing: [String] = []
  /// Tensors in the file that the adapter has no place for.
  public var unexpected: [String] = []
  /// Fields of the configuration that were not read.
  public var ignoredFields: [String] = []

  /// Whether everything was read.
  public var isEmpty: Bool { missing.isEmpty && unexpected.isEmpty && ignoredFields.isEmpty }
}

extension LoRAAdapter {
  private static let prefix = "base_model.model."

  /// Every tensor of the file, by its name there.
  private var named: [(name: String, parameter: Parameter)] {
    var result: [(String, Parameter)] = []
    for (path, _, layer) in layers {
      result.append(("\(path).lora_A.weight", layer.a))
      result.append(("\(path).lora_B.weight", layer.b))
      if let bias = layer.bias { result.append(("\(path).lora_B.bias", bias)) }
    }
    for (path, _, layer) in embeddings {
      result.append(("\(path).lora_embedding_A", layer.a))
      result.append(("\(path).lora_embedding_B", layer.b))
    }
    for (key, _, copy) in copies { result.append((key, copy)) }
    return result.map { (Self.prefix + $0.0, $0.1) }
  }

  /// Base weights that PEFT stores beside an adapted embedding or head, by their names there.
  private var savedBases: [(name: String, parameter: Parameter)] {
    let all =
      layers.map { ($0.path, $0.base.weight) } + embeddings.map { ($0.path, $0.base.weight) }
    return all.filter { path, _ in
      ["embed_tokens", "lm_head"].contains(path.split(separator: ".").last.map(String.init) ?? "")
    }.map { (Self.prefix + $0.0 + ".base_layer.weight", $0.1) }
  }

  /// Writes a folder that Hugging Face PEFT loads: `adapter_config.json` and `adapter_model.safetensors`.
  ///
  /// Saving twice gives the same bytes. As in PEFT, an adapter that is not called `default` goes to a folder of its
  /// name inside the given one.
  ///
  /// - Parameters:
  ///   - folder: is made where it does not exist.
  ///   - baseModel: the name or path of the base that the file mentions; nil for that of the loaded model.
  /// - Returns: the folder that holds the files.
  /// - Throws: `AdapterError.file` where something cannot be written; what was there before stays whole then.
  @discardableResult
  public func save(to folder: String, baseModel: String? = nil) throws(AdapterError) -> String {
    let target = name == "default" ? folder : "\(folder)/\(name)"
    let origin = LoRA.Origin(
      baseModel: baseModel ?? (host as? CausalLM)?.origin?.folder,
      taskType: host is CausalLM ? "CAUSAL_LM" : nil)
    let isConv1D = layers.contains { $0.base.layout == .inputOutput }
    let json = configuration.json(
      origin, isConv1D: isConv1D, allLinear: layers.map(\.path) + embeddings.map(\.path))
    do throws(CheckpointError) {
      try makeFolder(target)
      try SafetensorsFile.write(
        (named + savedBases).map { SafetensorsFile.Item($0.name, $0.parameter.value) },
        metadata: [("format", "pt")], to: "\(target)/adapter_model.safetensors")
      try atomicallyWrite(json.text(.indented), to: "\(target)/adapter_config.json")
    } catch { throw .file(error) }
    return target
  }

  /// Fills the parameters from a folder.
  func fill(
    from file: SafetensorsFile, _ mode: LoadingMode
  ) throws(AdapterError) -> LoadingReport {
    var report = LoadingReport()
    do throws(CheckpointError) {
      var read: Set<String> = []
      for (name, parameter) in named {
        guard file[name] != nil else {
          report.missing.append(name)
          continue
        }
        read.insert(name)
        let tensor = try file.tensor(name)
        guard tensor.shape == parameter.shape else {
          throw .wrongShape(
            path: file.path, tensor: name, expected: parameter.shape, found: tensor.shape)
        }
        parameter.value = tensor.copied()
      }
      for (name, parameter) in savedBases where file[name] != nil {
        read.insert(name)
        let tensor = try file.tensor(name)
        guard tensor.shape == parameter.shape else {
          throw .wrongShape(
            path: file.path, tensor: name, expected: parameter.shape, found: tensor.shape)
        }
        // PEFT puts the stored table in place of the base's: a copy stands in for it while the adapter is active.
        if tensor.array != parameter.value.array {
          copies.append(
            (
              String(name.dropFirst(Self.prefix.count)), parameter,
              Parameter(tensor.copied(), isTrainable: false)
            ))
        }
      }
      report.unexpected = file.names.filter { !read.contains($0) }
      if mode == .strict, let first = report.missing.first {
        throw .missingTensor(
          path: file.path, tensor: report.missing.joined(separator: ", "),
          nearest: nearestNames(to: first, among: file.names, count: 3))
      }
      if mode == .strict, !report.unexpected.isEmpty {
        throw .unexpectedTensors(path: file.path, tensors: report.unexpected)
      }
    } catch { throw .file(error) }
    return report
  }
}

extension AdapterHost {
  /// Attaches an adapter from a folder that Hugging Face PEFT or this package wrote.
  ///
  /// - Parameters:
  ///   - folder: holds `adapter_config.json` and `adapter_model.safetensors`.
  ///   - name: by which the adapter is called.
  ///   - isTrainable: whether it can be trained further.
  ///   - mode: whether something that does not fit is an error or reported.
  ///   - report: gets what a lenient load passed over.
  /// - Returns: the adapter, active; others are deactivated.
  /// - Throws: `AdapterError`; the model is unchanged then.
  @discardableResult
  public func loadAdapter(
    _ folder: String, name: String = "default", isTrainable: Bool = false,
    mode: LoadingMode = .strict, report: ((LoadingReport) -> Void)? = nil
  ) throws(AdapterError) -> LoRAAdapter {
    let before = adapters.activeNames
    let (lora, file, ignored): (LoRA, SafetensorsFile, [String])
    do throws(CheckpointError) {
      let configuration = try ConfigurationFile(path: "\(folder)/adapter_config.json")
      lora = try LoRA(configuration)
      ignored = configuration.unreadFields
      if mode == .strict, !ignored.isEmpty {
        throw .unreadFields(path: configuration.path, fields: ignored)
      }
      try refusePickle(folder)
      file = try SafetensorsFile(path: "\(folder)/adapter_model.safetensors")
    } catch { throw .file(error) }
    let adapter = try attach(lora, name: name, isStrict: false)
    do throws(AdapterError) {
      var found = try adapter.fill(from: file, mode)
      found.ignoredFields = ignored
      report?(found)
    } catch {
      try detach(name)
      try activate(before)
      throw error
    }
    adapter.isTrainable = isTrainable
    return adapter
  }
}
