package import PEFTCheckpoints
package import PEFTJSON
package import PEFTTensor
public import PEFTTransformer

/// Training of some rows of the table of tokens, as those of tokens that were added or that a task uses otherwise.
///
/// The method `TRAINABLE_TOKENS` of Hugging Face PEFT, with its file format: n D parameters, which are whole rows and no changes of rows.
/// A tied head follows its table. `LoRA.trainableTokens` is the same beside LoRA.
public struct TrainableTokens: AdapterMethod, Hashable {
  /// `TRAINABLE_TOKENS`.
  public static let type = "TRAINABLE_TOKENS"

  /// The tokens, in the order of the rows in a file.
  public var tokens: [Int32]
  /// Which tables are meant, and what is trained beside them.
  public var selection: ModuleSelection

  /// Settings.
  ///
  /// - Parameters:
  ///   - tokens: whose rows are trained.
  ///   - targets: `.attention` for the table of the input tokens.
  public init(_ tokens: [Int32], targets: Targets = .attention) {
    (self.tokens, selection) = (tokens, ModuleSelection(targets))
  }

  /// The table of the input tokens.
  public func usualTargets(_ host: any AdapterHost) -> [String]? {
    TokenRowsPlan.inputTable(of: host).map { [$0] }
  }

  /// Refuses tokens that are named twice, and settings that the files of the method do not have.
  public func checkSettings() throws(AdapterError) {
    try selection.refuseAllBut()
    try plan.check()
  }

  /// A head that is tied to a table.
  public func adapts(_ module: any Module) -> Bool { TokenRowsPlan.isFollower(module) }

  /// The rows in place of those of a table, and of a head that is tied to it.
  public func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    try plan.blueprint(site)
  }

  /// The rows, which a table and a tied head have in common.
  public func sharedTensors(
    _ sites: [AdapterSite], _ host: any AdapterHost
  ) throws(AdapterError) -> TensorsBlueprint? { plan.sharedTensors(sites) }

  /// The name of the rows in a file, after the path of the table.
  static let tensor = "trainable_tokens_delta"

  private var plan: TokenRowsPlan {
    TokenRowsPlan(tokens: tokens, setting: "token_indices", tensor: Self.tensor)
  }
}

extension TrainableTokens: StoredMethod {
  /// The settings in an `adapter_config.json`.
  package init(_ file: ConfigurationFile) throws(CheckpointError) {
    tokens = try TokenRowsPlan.tokens(
      file.value("token_indices") ?? .array([]), "token_indices", file)
    selection = try file.selection()
    // How the rows start, which a file has.
    file.ignore(["init_weights"])
  }

  /// The rows, which PEFT writes for a tied head again.
  package func storedValues(_ adapter: Adapter) -> [(name: String, value: Tensor)] {
    let rows = adapter.storedTensors.map { ($0.name, $0.parameter.value) }
    let again = adapter.modules.compactMap { module in
      (module.layer as? TiedTokenRowsLayer)?.rows.map {
        (AdapterFile.name(Self.tensor, at: module.site.path), $0.value)
      }
    }
    return rows + again
  }

  /// The fields of `adapter_config.json` as PEFT writes it.
  package func fields(_ context: StorageContext) -> [JSON.Member] {
    // PEFT has no such settings for this method, and would complain of them.
    let absent = ["exclude_modules", "modules_to_save"]
    return context.fields(type: Self.type, selection, hasLayers: false).filter {
      !absent.contains($0.name) || !$0.value.isNull
    } + [
      .init("init_weights", .bool(true)),
      .init("token_indices", .array(tokens.map { .integer(Int($0)) })),
    ]
  }
}
