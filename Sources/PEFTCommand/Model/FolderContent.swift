import Foundation
import PEFTCheckpoints
import PEFTJSON

/// What the tensors of a model or adapter folder are, without building a model.
struct FolderContent {
  /// A tensor's name, element type, shape and size.
  struct Entry {
    var name: String
    var dtype: DType
    var shape: [Int]
    var byteCount: Int
    var count: Int { shape.reduce(1, *) }
  }

  /// What a folder holds.
  enum Kind: String {
    case model
    case adapter
    case file = "safetensors file"
  }

  /// What it is.
  let kind: Kind
  /// `config.json` or `adapter_config.json`; nil for a single file.
  let configuration: ConfigurationFile?
  /// The tensors, in the order of the files.
  let entries: [Entry]
  /// How many files hold them.
  let fileCount: Int

  /// Opens a folder or a safetensors file.
  init(_ path: String) throws {
    let files = FileManager.default
    var isFolder: ObjCBool = false
    guard files.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw CommandError.unusable(path: path, reason: "does not exist")
    }
    if !isFolder.boolValue {
      try ModelFolder.refusePickleFile(path)
      guard path.lowercased().hasSuffix(".safetensors") else {
        throw CommandError.unusable(
          path: path,
          reason: "is neither a model or adapter folder nor a file that ends in .safetensors")
      }
      self.init(.file, nil, try Checkpoint(file: path))
    } else if files.fileExists(atPath: "\(path)/adapter_config.json") {
      self.init(
        .adapter, try ConfigurationFile(path: "\(path)/adapter_config.json"),
        try Checkpoint(folder: path, name: "adapter_model"))
    } else if !files.fileExists(atPath: "\(path)/config.json") {
      try refusePickle(path)
      throw CommandError.unusable(
        path: path,
        reason:
          "holds neither config.json nor adapter_config.json, so it is no model and no adapter")
    } else {
      try self.init(checkpoint: path)
    }
  }

  /// Opens a model folder.
  init(checkpoint path: String) throws {
    self.init(
      .model, try ConfigurationFile(path: "\(path)/config.json"), try Checkpoint(folder: path))
  }

  private init(_ kind: Kind, _ configuration: ConfigurationFile?, _ checkpoint: Checkpoint) {
    (self.kind, self.configuration) = (kind, configuration)
    fileCount = checkpoint.files.count
    entries = checkpoint.names.compactMap { name in
      checkpoint[name].map {
        Entry(
          name: $0.name, dtype: $0.dtype, shape: $0.shape, byteCount: $0.byteRange.count)
      }
    }
  }

  /// The elements of all tensors.
  var parameterCount: Int { entries.reduce(0) { $0 + $1.count } }
  /// The bytes of all tensors.
  var byteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }

  /// How many tensors there are of each element type, the most first.
  var dtypes: [(dtype: DType, count: Int)] {
    Dictionary(grouping: entries, by: \.dtype).map { ($0.key, $0.value.count) }
      .sorted { ($1.count, $0.dtype.rawValue) < ($0.count, $1.dtype.rawValue) }
  }
}
