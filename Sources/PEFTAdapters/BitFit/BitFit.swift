package import PEFTCheckpoints
package import PEFTJSON
import PEFTTensor
public import PEFTTransformer

/// Tuning of biases only: a copy of every bias of the base is trained.
///
/// "BitFit: Simple Parameter-efficient Fine-tuning for Transformer-based Masked Language-models" (arXiv 2106.10199). All biases are
/// trained, those of norms as well; targets can restrict them, as to the query's and the feed-forward part's in the paper, and
/// `selection.modulesToSave` adds a head. The paper's task head is new and always trained; a language model's is not, so that none is by default.
///
/// Hugging Face PEFT has no such method: its files here are of the type `BITFIT`, with the biases by their names in the base.
/// Merging puts them into the base, for any program to read. Nothing is computed that the base would not compute.
public struct BitFit: AdapterMethod, Hashable {
  /// `BITFIT`, which Hugging Face PEFT does not know.
  public static let type = "BITFIT"

  /// Whose biases are trained, and what beside them.
  public var selection: ModuleSelection

  /// Settings; the selection's others can be set afterwards.
  ///
  /// - Parameter targets: `.none` for every module that has a bias.
  public init(targets: Targets = .none) { selection = ModuleSelection(targets) }

  /// Refuses settings that say twice what is trained.
  public func checkSettings() throws(AdapterError) {
    try selection.refuseAllBut(selection.targets == .none ? [] : [.layers])
  }

  /// Every module with a bias, where no targets are named.
  public func adapts(_ module: any Module) -> Bool {
    selection.targets == .none && Self.bias(of: module) != nil
  }

  /// A copy of the bias.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    guard let bias = Self.bias(of: site.module) else {
      throw .notAdaptable(module: site.path, reason: "it has no bias")
    }
    return LayerBlueprint(copies: [("bias", bias)])
  }

  /// Nothing; refuses a model without biases.
  public func sharedTensors(
    _ sites: [AdapterSite], _ host: any AdapterHost
  ) throws(AdapterError) -> TensorsBlueprint? {
    if sites.isEmpty, selection.targets == .none {
      throw .nothingSelected(
        hint: "the model has no biases, as those of the Llama family; train its norms instead")
    }
    return nil
  }

  private static func bias(of module: any Module) -> Parameter? {
    module.ownParameters.first { $0.name == "bias" }?.parameter
  }
}

extension BitFit: StoredMethod {
  /// The settings in an `adapter_config.json`.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    selection = try file.selection()
    if !file.has("target_modules") { selection.targets = .none }
  }

  /// The fields of `adapter_config.json`.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    context.fields(type: Self.type, selection)
  }
}
