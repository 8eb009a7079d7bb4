package import PEFTCheckpoints
package import PEFTJSON
import PEFTTensor
public import PEFTTransformer

/// Tuning of normalisation layers only: a copy of every norm's weight and bias is trained.
///
/// "Tuning LayerNorm in Attention: Towards Efficient Multi-Modal LLM Finetuning" (arXiv 2312.11420), with the targets and file format of
/// Hugging Face PEFT. D parameters a norm, 2 D with a bias, and no cost beside those of training; nothing is computed that the
/// base would not compute. Another module can be a target as well: everything it keeps is copied then.
public struct LNTuning: AdapterMethod, Hashable {
  /// `LN_TUNING`.
  public static let type = "LN_TUNING"

  /// Which modules are trained, and what beside them.
  public var selection: ModuleSelection

  /// Settings; the selection's others can be set afterwards.
  ///
  /// - Parameter targets: `.attention` for the norms that PEFT chooses: all, in Qwen2 and Qwen3 those before the feed-forward part only.
  public init(targets: Targets = .attention) { selection = ModuleSelection(targets) }

  /// The norms that PEFT's table names; in other families all of them.
  public func usualTargets(_ host: any AdapterHost) -> [String]? {
    switch host.modelType {
    case "gpt2": return ["ln_1", "ln_2", "ln_f"]
    case "llama", "mistral", "gemma":
      return ["input_layernorm", "post_attention_layernorm", "norm"]
    case "qwen2", "qwen3": return ["post_attention_layernorm"]
    default:
      let norms = host.walk(includingAdapters: false).modules.filter { $0.module is Norm }
      return norms.isEmpty ? nil : norms.map(\.path)
    }
  }

  /// Refuses settings that the files of the method do not have.
  public func checkSettings() throws(AdapterError) { try selection.refuseAllBut() }

  /// Copies of what the module keeps.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    let own = site.module.ownParameters
    guard !own.isEmpty, !own.contains(where: \.parameter.isTied) else {
      throw .notAdaptable(
        module: site.path,
        reason: own.isEmpty ? "it keeps no parameters itself" : "it shares its weight")
    }
    return LayerBlueprint(copies: own.map { ("ln_tuning_layers.\($0.name)", $0.parameter) })
  }
}

extension LNTuning: StoredMethod {
  /// The settings in an `adapter_config.json`.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    selection = try file.selection()
  }

  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    context.fields(type: Self.type, selection, hasLayers: false)
  }
}
