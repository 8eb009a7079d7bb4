import Foundation
import PEFTCheckpoints
import PEFTJSON

/// What follows the encoder in a folder of `sentence-transformers`.
struct SentencePooling {
  /// Whether vectors are scaled to length one; so in a folder that says nothing.
  let normalizes: Bool

  /// Reads `modules.json` where there is one.
  ///
  /// - Throws: `CheckpointError` for another pooling than the mean, and for modules that are not known.
  init(_ folder: String) throws(CheckpointError) {
    let path = "\(folder)/modules.json"
    guard FileManager.default.fileExists(atPath: path) else {
      normalizes = true
      return
    }
    var found: Set<String> = []
    for module in try ConfigurationFile.read(path).elements ?? [] {
      let type = module["type"]?.string ?? ""
      let name = type.split(separator: ".").last.map(String.init) ?? ""
      guard ["Transformer", "Pooling", "Normalize"].contains(name) else {
        throw .unsupportedField(
          path: path, field: "type", value: "\"\(type)\"",
          hint: "supported are Transformer, Pooling and Normalize")
      }
      found.insert(name)
      if name == "Pooling" { try Self.requireMean("\(folder)/\(module["path"]?.string ?? "")") }
    }
    guard found.contains("Pooling") else {
      throw .missingField(path: path, field: "a module of type Pooling")
    }
    normalizes = found.contains("Normalize")
  }

  private static func requireMean(_ folder: String) throws(CheckpointError) {
    let file = try ConfigurationFile(path: "\(folder)/config.json")
    for member in file.members where member.name.hasPrefix("pooling_mode_") {
      try file.require(member.name, toBe: member.name == "pooling_mode_mean_tokens")
    }
    if let mode = try file.optionalString("pooling_mode"), mode != "mean" {
      throw file.unsupported("pooling_mode", hint: "only mean is supported")
    }
  }
}
