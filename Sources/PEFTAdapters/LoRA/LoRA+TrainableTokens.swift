import PEFTCheckpoints
import PEFTJSON
public import PEFTTransformer

/// Rows of tokens that are trained beside A and B.
extension LoRA {
  /// The rows; nil where no tokens are named.
  var tokenRows: TokenRowsPlan? {
    if trainableTokens.isEmpty { return nil }
    return TokenRowsPlan(
      tokens: trainableTokens, setting: Self.tokensField,
      tensor: "token_adapter.trainable_tokens_delta")
  }

  private static let tokensField = "trainable_token_indices"

  /// The table of tokens whose rows are trained, and a head that is tied to it.
  public func adapts(_ site: AdapterSite) -> Bool {
    guard tokenRows != nil else { return false }
    if TokenRowsPlan.isFollower(site.module) { return true }
    guard let table = site.embedding else { return false }
    return trainableTokensModule.map(site.path.isPath(of:)) ?? (table === site.host.inputEmbedding)
  }

  /// The rows of tokens, which a table and a tied head have in common.
  public func sharedTensors(
    _ sites: [AdapterSite], _ host: any AdapterHost
  ) throws(AdapterError) -> TensorsBlueprint? { tokenRows?.sharedTensors(sites.filter(adapts)) }

  /// Reads ids for one table, or for that of the input where it has no name.
  static func trainableTokens(
    _ file: ConfigurationFile
  ) throws(CheckpointError) -> (tokens: [Int32], module: String?) {
    guard let value = file.value(tokensField), !value.isNull else { return ([], nil) }
    guard let tables = value.members else {
      return (try TokenRowsPlan.tokens(value, tokensField, file), nil)
    }
    guard let table = tables.first, tables.count == 1 else {
      throw .unsupportedField(
        path: file.path, field: tokensField, value: value.text(.compact),
        hint: "tokens of one table are supported")
    }
    return (try TokenRowsPlan.tokens(table.value, "\(tokensField).\(table.name)", file), table.name)
  }

  /// The field as PEFT writes it: the ids by the last name of the table.
  func trainableTokensField(_ context: StorageContext) -> JSON {
    if trainableTokens.isEmpty { return .null }
    let path = context.adapter.host.flatMap(TokenRowsPlan.inputTable)
    let name = trainableTokensModule ?? path?.lastName ?? "embed_tokens"
    return .object([.init(name, .array(trainableTokens.map { .integer(Int($0)) }))])
  }
}
