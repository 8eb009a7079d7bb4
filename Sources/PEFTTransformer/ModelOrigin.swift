internal import PEFTJSON

/// The folder that a model was loaded from.
public struct ModelOrigin: Sendable {
  /// Its path.
  public let folder: String
  /// The fields of `config.json`, to write them again.
  let json: JSON
  /// The paths of the modules that it has nothing for, which were made with random numbers.
  package var newModules: [String] = []
}

/// How strictly a model folder is read.
public enum ModelLoading: Sendable, Hashable {
  /// A field of `config.json` that is not known is an error, since it might change the maths.
  case strict
  /// Unknown fields are passed over.
  case ignoringUnknownFields
}
