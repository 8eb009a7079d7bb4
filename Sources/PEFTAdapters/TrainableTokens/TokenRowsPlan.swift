import PEFTCheckpoints
import PEFTJSON
import PEFTTensor
import PEFTTransformer

/// Rows of tables that are trained by themselves, before they are made.
struct TokenRowsPlan {
  let tokens: [Int32]
  /// The setting that names them, for errors.
  let setting: String
  /// The name of the rows in a file, after the path of the table.
  let tensor: String

  /// Refuses what names no rows, or one twice.
  func check() throws(AdapterError) {
    guard !tokens.isEmpty, Set(tokens).count == tokens.count, tokens.allSatisfy({ $0 >= 0 }) else {
      throw .invalidSetting(setting, expected: "ids of tokens, each once", found: "\(tokens)")
    }
  }

  /// The rows in place of those of a table, or of a head that is tied to it.
  func blueprint(_ site: AdapterSite) throws(AdapterError) -> LayerBlueprint {
    let tokens = tokens
    let nothing = TensorsBlueprint([]) { _ in [:] }
    if let table = site.embedding {
      let size = table.weight.shape[0]
      if let wrong = tokens.first(where: { Int($0) >= size }) {
        throw .invalidSetting(setting, expected: "tokens below \(size)", found: "token \(wrong)")
      }
      let name = AdapterFile.name(tensor, at: site.path)
      return LayerBlueprint(nothing) { TokenRowsLayer(tokens: tokens, rows: $0[name]!, table) }
    }
    guard let head = site.linear, let (path, table) = Self.table(of: head, site.host) else {
      throw .notAdaptable(
        module: site.path, reason: "it is a \(type(of: site.module)) and no table of tokens")
    }
    let name = AdapterFile.name(tensor, at: path)
    return LayerBlueprint(nothing) { TiedTokenRowsLayer(tokens: tokens, rows: $0[name], table) }
  }

  /// The rows of every table, which start as they are there.
  func sharedTensors(_ sites: [AdapterSite]) -> TensorsBlueprint? {
    let tables = sites.compactMap { site in
      site.embedding.map { (AdapterFile.name(tensor, at: site.path), $0) }
    }
    if tables.isEmpty { return nil }
    let tokens = tokens
    return TensorsBlueprint(
      tables.map { .init($0, [tokens.count, $1.weight.shape[1]]) }
    ) { _ in
      Dictionary(
        uniqueKeysWithValues: tables.map { name, table in
          (name, withoutGradients { table.weight.value.rows(at: Indices(tokens)) })
        })
    }
  }

  /// Whether a module is a head that shares a table.
  static func isFollower(_ module: any Module) -> Bool {
    (module as? Linear)?.weight.isTied ?? false
  }

  /// The path of the table of the input tokens.
  static func inputTable(of host: any AdapterHost) -> String? {
    guard let table = host.inputEmbedding else { return nil }
    return host.walk(includingAdapters: false).modules.first { $0.module === table }?.path
  }

  /// The table that a head shares.
  private static func table(
    of head: Linear, _ host: any AdapterHost
  ) -> (path: String, table: Embedding)? {
    for (path, module) in host.walk(includingAdapters: false).modules {
      if let table = module as? Embedding, head.weight.isTied(to: table.weight) {
        return (path, table)
      }
    }
    return nil
  }

  /// Reads ids from a file.
  static func tokens(
    _ json: JSON, _ field: String, _ file: ConfigurationFile
  ) throws(CheckpointError) -> [Int32] {
    let ids = json.elements?.compactMap { $0.integer.flatMap(Int32.init(exactly:)) }
    guard let ids, ids.count == json.elements?.count else {
      throw .invalidField(
        path: file.path, field: field, expected: "a list of ids of tokens",
        found: json.text(.compact))
    }
    return ids
  }
}
