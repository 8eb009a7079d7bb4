internal import Foundation
import PEFTCheckpoints
internal import PEFTJSON
import PEFTTensor
public import PEFTTransformer

extension AdapterHost {
  /// Attaches an adapter from a folder that Hugging Face PEFT or this package wrote.
  ///
  /// Nothing is changed before all of the folder was found to fit. F16 and BF16 tensors become float32.
  ///
  /// - Parameters:
  ///   - folder: holds `adapter_config.json` and `adapter_model.safetensors`, itself or in a subfolder called `name`.
  ///   - name: by which the adapter is called.
  ///   - isTrainable: whether it can be trained further.
  ///   - activating: whether it becomes the active one; else those that are active go on as they were.
  ///   - mode: whether something that does not fit is an error or reported by the adapter's `loadingReport`.
  /// - Returns: the adapter.
  /// - Throws: `AdapterError`; the model is unchanged then.
  @discardableResult
  public func loadAdapter(
    _ folder: String, name: String = "default", isTrainable: Bool = false,
    activating: Bool = true, mode: LoadingMode = .strict
  ) throws(AdapterError) -> Adapter {
    try checkName(name)
    return try load(
      AdapterFolder(folder, name: name, mode, aliases) { (file) throws(CheckpointError) in
        try AdapterMethods.read(file)
      }, name: name, isTrainable: isTrainable, activating: activating, mode: mode)
  }

  /// Attaches an adapter of a method of one's own from a folder that `save` of such an adapter wrote.
  ///
  /// - Parameters:
  ///   - folder: holds `adapter_config.json` and `adapter_model.safetensors`, itself or in a subfolder called `name`.
  ///   - method: the method that the folder must name.
  ///   - name: by which the adapter is called.
  ///   - isTrainable: whether it can be trained further.
  ///   - activating: whether it becomes the active one; else those that are active go on as they were.
  /// - Returns: the adapter.
  /// - Throws: `AdapterError`; the model is unchanged then.
  @discardableResult
  public func loadAdapter<Method: AdapterMethod & Codable>(
    _ folder: String, as method: Method.Type, name: String = "default", isTrainable: Bool = false,
    activating: Bool = true
  ) throws(AdapterError) -> Adapter {
    try checkName(name)
    return try load(
      AdapterFolder(folder, name: name, .strict, aliases) { (file) throws(CheckpointError) in
        try EncodedSettings.read(file, as: method)
      }, name: name, isTrainable: isTrainable, activating: activating, mode: .strict)
  }

  private func load(
    _ source: AdapterFolder, name: String, isTrainable: Bool, activating: Bool,
    mode: LoadingMode
  ) throws(AdapterError) -> Adapter {
    let resolution = try Resolution(method(of: source), self, isStrict: false)
    var report = resolution.compare(with: source.file)
    if let training = source.trainingFile {
      report.add(Resolution.compare(training, resolution.hiddenTensors))
    }
    if mode == .strict, !report.isEmpty {
      throw .doesNotFit(
        path: source.file.path, report,
        nearest: report.missing.first.map {
          nearestNames(to: $0, among: report.unexpected, count: 3)
        } ?? [])
    }
    if let expected = source.fingerprint {
      let found = BaseFingerprint(self)
      if let reason = found.difference(
        to: expected, ignoring: resolution.broughtAlong(self, source.file))
      {
        if mode == .strict {
          throw .otherBase(
            path: source.file.path, expected: expected, found: found, reason: reason)
        }
        report.otherBase = "\(expected), not \(found): \(reason)"
      }
    }
    report.ignoredFields = source.ignoredFields
    let stored = try source.tensors(
      resolution.expectedTensors.map(\.name) + resolution.optionalBases.map(\.name),
      hidden: resolution.hiddenTensors.map(\.name), besides: report)
    if let training = source.trainingFile, let method = source.method as? any StoredMethod {
      try method.checkStored(stored, path: training.path)
    }
    let adapter = try attach(
      source.method, resolution, name: name, stored: stored, activating: activating)
    adapter.copies += copiesOfBases(resolution, stored)
    adapter.loadedFields =
      resolution.isRenamed
      ? source.fields.filter { !EarlierNames.fields.contains($0.name) } : source.fields
    adapter.loadingReport = report
    adapter.loadedProbe = source.probe.map { (source.file.path, $0) }
    adapter.isTrainable = isTrainable
    return adapter
  }

  /// The method of a folder; the head of a classifier that a file holds is meant whether its settings name it or not, as in PEFT.
  private func method(of source: AdapterFolder) -> any AdapterMethod {
    var method = source.method
    let prefix = AdapterFile.copyPrefix(method)
    let stored = parameters().map(\.path).filter { source.file[prefix + $0] != nil }
    method.selection.addHeads(of: self) { head in
      stored.contains { $0.hasPrefix(head + ".") }
    }
    return method
  }

  /// Stored weights of adapted embeddings that are not the base's own: PEFT puts them in its place, so copies stand in.
  private func copiesOfBases(
    _ resolution: Resolution, _ stored: [String: Tensor]
  ) -> [Adapter.Copy] {
    var copies: [Adapter.Copy] = []
    for (name, parameter) in resolution.optionalBases {
      guard let tensor = stored[name], tensor.array != baseValue(parameter).array,
        !copies.contains(where: { $0.base === parameter })
      else { continue }
      let copy = Parameter(tensor.copied(), isTrainable: false)
      let key = String(name.dropFirst(AdapterFile.prefix.count))
      for place in [parameter] + places.filter({ $0.isTied(to: parameter) }) {
        copies.append(.init(key: key, base: place, copy: copy, isTrained: false))
      }
    }
    return copies
  }

  /// Every parameter of the base, second places of shared ones as well.
  var places: [Parameter] {
    walk(includingAdapters: false).modules.flatMap { $0.module.ownParameters.map(\.parameter) }
  }

  /// The value of a parameter of the base without what is merged into it.
  func baseValue(_ parameter: Parameter) -> Tensor {
    adapters.pristine[ObjectIdentifier(parameter)]?.value ?? parameter.value
  }
}

/// An adapter folder that was opened, with its settings read.
struct AdapterFolder {
  private(set) var method: any AdapterMethod
  let file: SafetensorsFile
  /// What only a training needs; nil where there is no such file.
  let trainingFile: SafetensorsFile?
  /// The fields that were read, to write them again.
  let fields: [JSON.Member]
  let ignoredFields: [String]

  /// Opens a folder whose settings `read` understands; tensors get the names that they have in the model.
  init(
    _ folder: String, name: String, _ mode: LoadingMode, _ aliases: PathAliases,
    read: (ConfigurationFile) throws(CheckpointError) -> any AdapterMethod
  ) throws(AdapterError) {
    let inner = "\(folder)/\(name)"
    let files = FileManager.default
    let isInner =
      !files.fileExists(atPath: "\(folder)/adapter_config.json")
      && files.fileExists(atPath: "\(inner)/adapter_config.json")
    let folder = isInner ? inner : folder
    do throws(CheckpointError) {
      let configuration = try ConfigurationFile(path: "\(folder)/adapter_config.json")
      method = try read(configuration)
      // What is null has no effect, also where a later version of PEFT knows the field.
      let ignored = configuration.unreadFields.filter { configuration.has($0) }
      if mode == .strict, !ignored.isEmpty {
        throw .unreadFields(path: configuration.path, fields: ignored)
      }
      fields = configuration.members.filter { !ignored.contains($0.name) }
      ignoredFields = ignored
      try refusePickle(folder)
      file = try Self.open("\(folder)/adapter_model.safetensors", aliases)
      let training = "\(folder)/\(AdapterFile.trainingFile)"
      trainingFile =
        files.fileExists(atPath: training) ? try Self.open(training, aliases) : nil
    } catch { throw .file(error) }
    guard var stored = method as? any StoredMethod else { return }
    try stored.takeIndices(try indices(Swift.type(of: stored).indicesName))
    method = stored
  }

  private static func open(
    _ path: String, _ aliases: PathAliases
  ) throws(CheckpointError) -> SafetensorsFile {
    let file = try SafetensorsFile(path: path)
    return aliases.isEmpty ? file : file.renamed(by: aliases.own)
  }

  /// Whole numbers of a name, by the paths of the modules that they stand beside.
  private func indices(_ name: String?) throws(AdapterError) -> [String: Indices] {
    guard let name else { return [:] }
    let suffix = ".\(name)"
    var result: [String: Indices] = [:]
    for tensor in file.names where tensor.hasPrefix(AdapterFile.prefix) && tensor.hasSuffix(suffix)
    {
      let path = tensor.dropFirst(AdapterFile.prefix.count).dropLast(suffix.count)
      do throws(CheckpointError) { result[String(path)] = try file.indices(tensor) } catch {
        throw .file(error)
      }
    }
    return result
  }

  /// What the file says of its base; nil where it says nothing.
  var fingerprint: BaseFingerprint? {
    file.metadata.first { $0.name == BaseFingerprint.field }.flatMap {
      BaseFingerprint(text: $0.value)
    }
  }

  /// What the file says of the output; nil where it says nothing.
  var probe: OutputProbe? {
    file.metadata.first { $0.name == OutputProbe.field }.flatMap { OutputProbe(text: $0.value) }
  }

  /// The tensors of these names that the files have and that fit.
  func tensors(
    _ names: [String], hidden: [String], besides report: LoadingReport
  ) throws(AdapterError) -> [String: Tensor] {
    let misshapen = Set(report.misshapen.map(\.tensor))
    var result: [String: Tensor] = [:]
    do throws(CheckpointError) {
      for (file, names) in [(file, names), (trainingFile ?? file, hidden)] {
        for name in names where file[name] != nil && !misshapen.contains(name) {
          result[name] = try file.tensor(name)
        }
      }
    } catch { throw .file(error) }
    return result
  }
}

extension Resolution {
  /// The places of parameters that the adapter has whole values for, in the order of the base.
  func broughtAlong(_ host: any AdapterHost, _ file: SafetensorsFile) -> Set<Int> {
    let parameters = host.walk(includingAdapters: false).parameters
    let stored = optionalBases.filter { file[$0.name] != nil }.map(\.parameter)
    return Set(
      parameters.indices.filter { index in
        let parameter = parameters[index].parameter
        return copies.contains { $0.parameter === parameter }
          || stored.contains { $0 === parameter || $0.isTied(to: parameter) }
      })
  }

  /// How the tensors of a file differ from what this expects.
  func compare(with file: SafetensorsFile) -> LoadingReport {
    var report = LoadingReport()
    var known: Set<String> = []
    func check(_ name: String, _ shape: [Int], isRequired: Bool) {
      guard known.insert(name).inserted else { return }
      guard let entry = file[name] else {
        if isRequired { report.missing.append(name) }
        return
      }
      if entry.shape != shape {
        report.misshapen.append(.init(tensor: name, expected: shape, found: entry.shape))
      }
    }
    for (name, shape) in expectedTensors { check(name, shape, isRequired: true) }
    for (name, parameter) in optionalBases { check(name, parameter.shape, isRequired: false) }
    if let indices = (Swift.type(of: method) as? any StoredMethod.Type)?.indicesName {
      for (site, _) in sites { known.insert(AdapterFile.name(indices, at: site.path)) }
    }
    report.unexpected = file.names.filter { !known.contains($0) && !isDuplicate($0) }
    return report
  }

  /// How the tensors of a file differ from exactly these.
  static func compare(
    _ file: SafetensorsFile, _ expected: [(name: String, shape: [Int])]
  ) -> LoadingReport {
    var report = LoadingReport()
    for (name, shape) in expected {
      guard let entry = file[name] else {
        report.missing.append(name)
        continue
      }
      if entry.shape != shape {
        report.misshapen.append(.init(tensor: name, expected: shape, found: entry.shape))
      }
    }
    let known = Set(expected.map(\.name))
    report.unexpected = file.names.filter { !known.contains($0) }
    return report
  }
}
