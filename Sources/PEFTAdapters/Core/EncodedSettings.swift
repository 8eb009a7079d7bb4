import Foundation
import PEFTCheckpoints
import PEFTJSON

/// The configuration of a method that a client of the package wrote: its settings as they encode themselves.
enum EncodedSettings {
  private static let field = "settings"

  /// The fields of `adapter_config.json`.
  static func fields(
    _ method: some AdapterMethod & Codable, _ context: StorageContext
  ) throws(AdapterError) -> [JSON.Member] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    do {
      let settings = try JSON(parsing: encoder.encode(method))
      return [
        .init("base_model_name_or_path", context.baseModel.map(JSON.string) ?? .null),
        .init("peft_type", .string(type(of: method).type)),
        .init(field, settings),
        .init("task_type", context.taskType.map(JSON.string) ?? .null),
      ]
    } catch {
      throw .invalidSetting(field, expected: "settings that encode as JSON", found: "\(error)")
    }
  }

  /// The settings in a configuration, which must be of this method.
  static func read<Method: AdapterMethod & Codable>(
    _ file: ConfigurationFile, as method: Method.Type
  ) throws(CheckpointError) -> Method {
    let type = try file.string("peft_type")
    guard type == method.type else {
      throw .invalidField(
        path: file.path, field: "peft_type", expected: method.type, found: type)
    }
    file.ignore(["base_model_name_or_path", "task_type"])
    let settings = file.value(field) ?? .null
    do {
      return try JSONDecoder().decode(method, from: Data(settings.text(.compact).utf8))
    } catch {
      throw .invalidField(
        path: file.path, field: field, expected: "the settings of \(method)", found: "\(error)")
    }
  }
}
