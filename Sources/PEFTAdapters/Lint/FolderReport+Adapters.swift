internal import Foundation
import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTransformer

extension FolderReport {
  /// Looks through an adapter folder of PEFT, alone and on a base where there is one.
  mutating func checkAdapter(_ folder: String, _ basePath: String?, runsProbe: Bool) {
    let count = problems.count
    note { () throws(CheckpointError) in try refusePickle(folder) }
    var method: (any StoredMethod)?
    note { () throws(CheckpointError) in
      let file = try ConfigurationFile(path: "\(folder)/adapter_config.json")
      method = try AdapterMethods.read(file)
      let unread = file.unreadFields.filter { file.has($0) }
      if !unread.isEmpty { throw .unreadFields(path: file.path, fields: unread) }
    }
    var file: SafetensorsFile?
    if problems.count == count
      || FileManager.default.fileExists(
        atPath: "\(folder)/adapter_model.safetensors")
    {
      note { () throws(CheckpointError) in
        file = try SafetensorsFile(path: "\(folder)/adapter_model.safetensors")
      }
    }
    guard let file else { return }
    savedFor = file.metadata.first { $0.name == BaseFingerprint.field }.flatMap {
      BaseFingerprint(text: $0.value)
    }
    checkTensors(file)
    guard let basePath else { return }
    guard let model = open(basePath, adapter: folder), let method else { return }
    tryOn(model, folder, method, file, runsProbe: runsProbe)
  }

  /// Looks through an adapter folder of MLX.
  mutating func checkMLX(_ folder: String, _ basePath: String?) {
    guard let basePath else {
      note { () throws(CheckpointError) in
        _ = try ConfigurationFile(path: "\(folder)/adapter_config.json")
      }
      return note { () throws(CheckpointError) in
        _ = try SafetensorsFile(path: "\(folder)/adapters.safetensors")
      }
    }
    guard let model = open(basePath) else { return }
    do throws(AdapterError) {
      targets = try Self.loadMLX(folder, onto: model).modules.map(\.site.path)
    } catch { add(error) }
  }

  /// What can be seen without a base: names, element types, pairs and numbers.
  private mutating func checkTensors(_ file: SafetensorsFile) {
    for entry in file.entries {
      if !entry.dtype.isReal && !entry.dtype.isInteger {
        add(
          CheckpointError.wrongDType(
            path: file.path, tensor: entry.name, expected: [.float32, .float16, .bfloat16],
            found: entry.dtype))
      }
      for (one, other) in Self.pairs where entry.name.hasSuffix(one) {
        let partner = entry.name.dropLast(one.utf8.count) + other
        if file[String(partner)] == nil {
          add(
            CheckpointError.missingTensor(
              path: file.path, tensor: String(partner), nearest: []))
        }
      }
      guard entry.dtype.isReal, let tensor = try? file.tensor(entry.name), !tensor.isFinite else {
        continue
      }
      add(.warning, "\(file.path): tensor \"\(entry.name)\" holds numbers that are not finite")
    }
    if file.entries.isEmpty { add(.error, "\(file.path): holds no tensor") }
  }

  private static let pairs: [(String, String)] = [
    (".lora_A.weight", ".lora_B.weight"), (".lora_B.weight", ".lora_A.weight"),
    (".lora_embedding_A", ".lora_embedding_B"), (".lora_embedding_B", ".lora_embedding_A"),
    (".lora_A", ".lora_B"), (".lora_B", ".lora_A"), (".hada_w1_a", ".hada_w1_b"),
    (".hada_w2_a", ".hada_w2_b"), (".vera_lambda_b", ".vera_lambda_d"),
  ]

  /// The base as the model of the task that an adapter is for; its faults are told too.
  ///
  /// The classes of a head in the file have no names there.
  private mutating func open(_ path: String, adapter: String) -> (any PretrainedModel)? {
    do throws(CheckpointError) {
      let model = try AdaptedBase.open(path, adapter: adapter)
      // All that is wrong with a language model is found by itself.
      let isPlain = (model as? CausalLM)?.addedTokenCount == 0
      return isPlain ? open(path) : model
    } catch {
      let count = problems.count
      _ = open(path)
      if problems.count == count { add(error) }
      return nil
    }
  }

  /// The base without memory for its weights; its faults are told too.
  private mutating func open(_ path: String) -> (any PretrainedModel)? {
    do throws(CheckpointError) {
      let (faults, model) = try ModelCheck.check(path)
      for fault in faults { add(fault) }
      return faults.isEmpty ? model : nil
    } catch {
      add(error)
      return nil
    }
  }

  private mutating func tryOn(
    _ model: some AdapterHost, _ folder: String, _ method: any StoredMethod,
    _ file: SafetensorsFile, runsProbe: Bool
  ) {
    base = BaseFingerprint(model)
    do throws(AdapterError) {
      let plan = try AdapterMethodsPlan.plan(method, model)
      targets = plan.matches.map(\.path)
    } catch {
      // PEFT names the heads of all families, of which a model has one.
      if case .deadPatterns("modules_to_save", let names, _) = error,
        names.allSatisfy(["classifier", "score"].contains)
      {
        targets =
          (try? AdapterMethodsPlan.plan(method, model, isStrict: false))?.matches
          .map(\.path) ?? []
      } else {
        add(.warning, "\(error)")
      }
    }
    do throws(AdapterError) {
      let adapter = try model.loadAdapter(folder, mode: .lenient)
      let report = adapter.loadingReport
      for name in report.missing {
        add(
          CheckpointError.missingTensor(
            path: file.path, tensor: name,
            nearest: nearestNames(to: name, among: report.unexpected, count: 3)))
      }
      if !report.unexpected.isEmpty {
        add(CheckpointError.unexpectedTensors(path: file.path, tensors: report.unexpected))
      }
      for entry in report.misshapen {
        add(
          CheckpointError.wrongShape(
            path: file.path, tensor: entry.tensor, expected: entry.expected, found: entry.found))
      }
      if let reason = report.otherBase {
        add(.error, "\(file.path): the adapter was saved for another base: \(reason)")
      }
      targets = adapter.modules.map(\.site.path)
      if runsProbe, loads { comparedOutput = try adapter.checkOutput() }
    } catch { add(error) }
  }

  private mutating func note(_ body: () throws(CheckpointError) -> Void) {
    do throws(CheckpointError) { try body() } catch { add(error) }
  }

  private static func loadMLX(
    _ folder: String, onto model: some AdapterHost
  ) throws(AdapterError) -> Adapter { try model.loadMLXAdapter(folder) }
}

/// A plan for a method whose type is not known.
private enum AdapterMethodsPlan {
  static func plan(
    _ method: some AdapterMethod, _ model: some AdapterHost, isStrict: Bool = true
  ) throws(AdapterError) -> AdapterPlan { try method.plan(model, isStrict: isStrict) }
}
