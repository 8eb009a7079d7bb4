public import PEFTCheckpoints

/// What can be wrong with an adapter, or with what is asked of it.
public enum AdapterError: Error, Equatable, Sendable {
  /// Entries of a setting that select nothing; `nearest` are module names that look like them.
  case deadPatterns(setting: String, patterns: [String], nearest: [String])
  /// A regular expression that cannot be read.
  case invalidPattern(setting: String, pattern: String, reason: String)
  /// Settings that together select no module.
  case nothingSelected(hint: String)
  /// A module that is selected but cannot be adapted.
  case notAdaptable(module: String, reason: String)
  /// A setting with a value that makes no sense.
  case invalidSetting(_ setting: String, expected: String, found: String)
  /// A name that an adapter of the model has already.
  case nameTaken(String)
  /// A name that no adapter of the model has.
  case unknownAdapter(String, existing: [String])
  /// Adapters that cannot be active together.
  case conflict(String)
  /// A merge whose result would hold numbers that are not finite.
  case notFinite(adapter: String, parameter: String)
  /// Something that cannot be done in the present state.
  case wrongState(String)
  /// A file whose tensors are not those that its configuration asks for; `nearest` are unexpected names like the
  /// first missing one.
  case doesNotFit(path: String, LoadingReport, nearest: [String])
  /// An adapter that was saved for another base than the model it is loaded onto.
  case otherBase(path: String, expected: BaseFingerprint, found: BaseFingerprint, reason: String)
  /// An output of a probe that is not the one that was found when the adapter was saved.
  case otherOutput(path: String, difference: Float, allowed: Float)
  /// A fault in a file.
  case file(CheckpointError)
}

extension AdapterError: CustomStringConvertible {
  /// A sentence for the person who has to put it right.
  public var description: String {
    switch self {
    case .deadPatterns(let setting, let patterns, let nearest):
      "\(setting): nothing matches \(Self.list(patterns))"
        + (nearest.isEmpty ? "" : "; the nearest names are \(Self.list(nearest))")
    case .invalidPattern(let setting, let pattern, let reason):
      "\(setting): the pattern \"\(pattern)\" cannot be read: \(reason)"
    case .nothingSelected(let hint): "the settings select no module: \(hint)"
    case .notAdaptable(let module, let reason): "\(module) cannot be adapted: \(reason)"
    case .invalidSetting(let setting, let expected, let found):
      "\(setting) is \(found), expected \(expected)"
    case .nameTaken(let name): "the model has an adapter called \"\(name)\" already"
    case .unknownAdapter(let name, let existing):
      "the model has no adapter called \"\(name)\"; it has \(Self.list(existing))"
    case .conflict(let what): what
    case .notFinite(let adapter, let parameter):
      "merging \"\(adapter)\" would write numbers that are not finite to \(parameter); nothing was changed"
    case .wrongState(let what): what
    case .doesNotFit(let path, let report, let nearest):
      "\(path): the tensors are not those of the configuration; \(report)"
        + (nearest.isEmpty ? "" : "; the nearest names are \(Self.list(nearest))")
    case .otherBase(let path, let expected, let found, let reason):
      "\(path): the adapter was saved for another base (\(expected)) than this one (\(found)): "
        + "\(reason); load it leniently to go on all the same"
    case .otherOutput(let path, let difference, let allowed):
      "\(path): with this adapter the model gives another output for the probe than when it was saved: "
        + "off by \(difference), where rounding explains \(allowed)"
    case .file(let error): error.description
    }
  }

  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.map { "\"\($0)\"" }.joined(separator: ", ")
  }
}
