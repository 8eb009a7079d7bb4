package import PEFTCheckpoints
package import PEFTJSON
package import PEFTTensor
import PEFTTransformer

/// A method whose adapters are written to folders and read from them.
package protocol StoredMethod: AdapterMethod {
  /// The settings in an `adapter_config.json`; fields that are not read are for the caller to judge.
  init(_ file: ConfigurationFile) throws(CheckpointError)

  /// The same settings for a new adapter, where those of a file stand beside tensors that hold a part of them.
  var startingAnew: Self { get }

  /// The fields of `adapter_config.json`, of settings whose targets are spelled out.
  func fields(_ context: StorageContext) -> [JSON.Member]

  /// Fields that training changes: those of a loaded file do not stand for them when it is saved again.
  static var trainedFields: [String] { get }

  /// What is written, by the names in the file.
  func storedValues(_ adapter: Adapter) -> [(name: String, value: Tensor)]

  /// What stands before the paths of modules that are trained as a whole.
  static var copyPrefix: String { get }

  /// The name of whole numbers that stand beside some modules in a file; nil where there are none.
  static var indicesName: String? { get }

  /// Takes over the whole numbers of a file, by the paths of their modules, before modules are selected.
  mutating func takeIndices(_ values: [String: Indices]) throws(AdapterError)

  /// The whole numbers that are written, by the paths of their modules.
  func storedIndices(_ adapter: Adapter) -> [String: Indices]

  /// Refuses tensors that do not belong together.
  ///
  /// - Parameters:
  ///   - tensors: what was read, by the names in the files.
  ///   - path: of the file for the training.
  /// - Throws: `AdapterError.wrongState`.
  func checkStored(_ tensors: [String: Tensor], path: String) throws(AdapterError)
}

extension StoredMethod {
  /// The settings themselves.
  package var startingAnew: Self { self }

  /// None.
  package static var trainedFields: [String] { [] }

  /// Every stored tensor as it is.
  package func storedValues(_ adapter: Adapter) -> [(name: String, value: Tensor)] {
    adapter.storedTensors.map { ($0.name, $0.parameter.value) }
  }
  /// What stands before the paths of adapted modules.
  package static var copyPrefix: String { AdapterFile.prefix }
  /// There are none.
  package static var indicesName: String? { nil }
  /// There are none.
  package mutating func takeIndices(_ values: [String: Indices]) throws(AdapterError) {}
  /// There are none.
  package func storedIndices(_ adapter: Adapter) -> [String: Indices] { [:] }

  /// Accepts everything.
  package func checkStored(_ tensors: [String: Tensor], path: String) throws(AdapterError) {}
}

/// What a configuration says beside the settings.
package struct StorageContext {
  /// What is saved.
  package let adapter: Adapter
  /// The name or path of the base; nil where it has none.
  package let baseModel: String?
  /// What the model is for, as PEFT calls it; nil where it is not known.
  package let taskType: String?

  /// Whether an adapted layer has its weight as GPT-2's `Conv1D` has it.
  package var isConv1D: Bool {
    adapter.modules.contains { $0.site.linear?.layout == .inputOutput }
  }
}
