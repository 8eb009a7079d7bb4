internal import Foundation
import PEFTCheckpoints
import PEFTTensor
import PEFTTransformer

extension FolderReport {
  /// Looks through a folder.
  ///
  /// Nothing of it is executed, no pickle is opened, and weights are not loaded: headers, configurations, and a few elements of each tensor.
  ///
  /// - Parameters:
  ///   - folder: of a model or an adapter.
  ///   - base: the folder of a model that the adapter is tried on; nil to look at the adapter alone.
  ///   - runsProbe: whether the output is compared with that of the time when the adapter was saved, which takes one forward pass.
  public init(_ folder: String, base: String? = nil, runsProbe: Bool = true) {
    let files = FileManager.default
    func has(_ name: String) -> Bool { files.fileExists(atPath: "\(folder)/\(name)") }
    switch true {
    case has("adapter_config.json") && has("adapters.safetensors"):
      kind = .mlxAdapter
      checkMLX(folder, base)
    case has("adapter_config.json") || has("adapter_model.safetensors") || has("adapter_model.bin"):
      kind = .adapter
      checkAdapter(folder, base, runsProbe: runsProbe)
    case has("config.json"):
      kind = .model
      checkModel(folder)
    default: explainUnknown(folder)
    }
  }

  private mutating func explainUnknown(_ folder: String) {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder) else {
      return add(.error, "\(folder): does not exist")
    }
    if !isFolder.boolValue {
      let isPickle = [".bin", ".pt", ".pth", ".pkl", ".ckpt"].contains { folder.hasSuffix($0) }
      return add(
        .error,
        isPickle
          ? "\(folder): is not opened: a pickle can run any code; load it in Python and save it as safetensors"
          : "\(folder): is a file; give the folder that it is in")
    }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let pickles = names.filter { name in
      [".bin", ".pt", ".pth", ".pkl", ".ckpt"].contains { name.hasSuffix($0) }
    }.sorted()
    for name in pickles {
      add(
        .error,
        "\(folder)/\(name): is not opened: pickles, as those of PyTorch and loralib, can run any code; load it in Python and "
          + "save the adapter with PEFT, or the model with safe_serialization=True")
    }
    add(
      .error,
      "\(folder): holds neither config.json nor adapter_config.json, so it is no model and no adapter"
    )
  }

  /// Looks through a model folder: configuration and weights, each as far as it goes without the other.
  private mutating func checkModel(_ folder: String) {
    do throws(CheckpointError) {
      let (problems, model) = try ModelCheck.check(folder)
      for problem in problems { add(problem) }
      if let model, problems.isEmpty { base = Self.fingerprint(model) }
    } catch { add(error) }
  }

  private static func fingerprint(_ host: some AdapterHost) -> BaseFingerprint {
    BaseFingerprint(host)
  }
}
