/// What the command itself finds wrong; the libraries have errors of their own.
enum CommandError: Error, Equatable, CustomStringConvertible {
  /// No such subcommand.
  case unknownCommand(String, nearest: [String])
  /// No such option of the subcommand.
  case unknownOption(String, nearest: [String])
  /// An option without its value.
  case missingValue(option: String)
  /// A value after an option that takes none.
  case unneededValue(option: String)
  /// A word that belongs to no option.
  case unexpectedArgument(String)
  /// An option that has to be given.
  case missingOption(String)
  /// A value that the option cannot take.
  case invalidValue(option: String, value: String, expected: String)
  /// An option that is given twice.
  case repeated(option: String)
  /// Two options that exclude each other.
  case conflict(String, String)
  /// A method that there is not.
  case unknownMethod(String, nearest: [String], known: [String])
  /// A field that the settings of a method do not have.
  case unknownField(method: String, field: String, nearest: [String])
  /// An option that would do nothing with a method.
  case idleOption(String, method: String)
  /// Settings that a method cannot have; the reason names the field.
  case invalidMethod(String)
  /// A name in a settings file that no option has.
  case unknownSetting(path: String, name: String, nearest: [String])
  /// A value in a settings file that the option cannot take.
  case invalidSetting(path: String, name: String, value: String, expected: String)
  /// A setting that a settings file has twice, spelled with - and with _.
  case repeatedSetting(path: String, name: String)
  /// Numbers from a model that are not finite.
  case notFinite(String)
  /// A training that a signal ended, after a checkpoint.
  case interrupted(step: Int, path: String)
  /// Several processes were started of a program that cannot reach the others.
  case builtWithoutMPI(ranks: Int)
  /// A file or folder that cannot be used.
  case unusable(path: String, reason: String)

  /// 2 where the command line is wrong, 1 for everything else.
  var exitCode: Int32 {
    switch self {
    case .unknownCommand, .unknownOption, .missingValue, .unneededValue, .unexpectedArgument,
      .missingOption, .invalidValue, .repeated, .conflict, .unknownMethod, .unknownField,
      .idleOption, .invalidMethod:
      2
    case .unknownSetting, .invalidSetting, .repeatedSetting, .notFinite, .interrupted, .unusable,
      .builtWithoutMPI:
      1
    }
  }

  var description: String {
    switch self {
    case .unknownCommand(let name, let nearest):
      "unknown command \"\(name)\"" + Self.suggestion(nearest)
    case .unknownOption(let name, let nearest):
      "unknown option \"\(name)\"" + Self.suggestion(nearest)
    case .missingValue(let option): "--\(option) needs a value"
    case .unneededValue(let option): "--\(option) takes no value"
    case .unexpectedArgument(let word): "unexpected argument \"\(word)\""
    case .missingOption(let option): "--\(option) has to be given"
    case .invalidValue(let option, let value, let expected):
      "--\(option) is \"\(value)\", expected \(expected)"
    case .repeated(let option): "--\(option) is given twice"
    case .interrupted(let step, let path):
      "interrupted after step \(step), which is saved in \(path); go on with --resume"
    case .conflict(let one, let other): "--\(one) and --\(other) exclude each other"
    case .unknownMethod(let name, let nearest, let known):
      "--method is \"\(name)\"" + Self.suggestion(nearest) + (nearest.isEmpty ? "," : "")
        + " expected one of \(known.joined(separator: ", ")), full"
    case .unknownField(let method, let field, let nearest):
      "the method \(method) has no setting \"\(field)\"" + Self.suggestion(nearest)
    case .idleOption(let option, let method):
      "--\(option) would do nothing with the method \(method)"
    case .invalidMethod(let what): what
    case .unknownSetting(let path, let name, let nearest):
      "\(path): unknown setting \"\(name)\"" + Self.suggestion(nearest)
    case .invalidSetting(let path, let name, let value, let expected):
      "\(path): \"\(name)\" is \(value), expected \(expected)"
    case .repeatedSetting(let path, let name): "\(path): \"\(name)\" is set twice"
    case .notFinite(let what): what
    case .builtWithoutMPI(let ranks):
      "started as one of \(ranks) processes, but built without MPI; build with `swift build -c release --traits MPI`"
    case .unusable(let path, let reason): "\(path): \(reason)"
    }
  }

  private static func suggestion(_ nearest: [String]) -> String {
    nearest.isEmpty
      ? "" : "; did you mean \(nearest.map { "\"\($0)\"" }.joined(separator: " or "))?"
  }
}
