/// What can be wrong with the files of a model or an adapter.
///
/// Every case names the file; `description` says what was expected, what was found, and, where it is
/// known, what to do.
public enum CheckpointError: Error, Equatable, Sendable {
  /// A file that cannot be opened or mapped.
  case fileUnreadable(path: String, reason: String)
  /// A format that is never opened, such as a pickle.
  case unsupportedFile(path: String, hint: String)
  /// A safetensors file that breaks a rule of the format.
  case invalidHeader(path: String, reason: String)
  /// A tensor that a file should hold; `nearest` are names in the file that look like it.
  case missingTensor(path: String, tensor: String, nearest: [String])
  /// Tensors in a file that nothing would read.
  case unexpectedTensors(path: String, tensors: [String])
  /// Two tensors of one name.
  case duplicateTensor(path: String, tensor: String)
  /// A tensor of another shape than the model needs.
  case wrongShape(path: String, tensor: String, expected: [Int], found: [Int])
  /// A tensor of an element type that cannot be used for this.
  case wrongDType(path: String, tensor: String, expected: [DType], found: DType)
  /// An element outside the values allowed for it.
  case valueOutOfRange(
    path: String, tensor: String, index: Int, value: Int64, allowed: ClosedRange<Int64>)
  /// A text that is not JSON.
  case invalidJSON(path: String, reason: String)
  /// A field that a JSON file should have.
  case missingField(path: String, field: String)
  /// A field of the wrong type or value.
  case invalidField(path: String, field: String, expected: String, found: String)
  /// A field that asks for something this package does not do.
  case unsupportedField(path: String, field: String, value: String, hint: String)
  /// Fields that would be ignored.
  case unreadFields(path: String, fields: [String])
  /// A failure of the operating system while a file is written.
  case ioFailure(path: String, operation: String, reason: String)
}

extension CheckpointError: CustomStringConvertible {
  /// A sentence for the person who has to put it right.
  public var description: String {
    switch self {
    case .fileUnreadable(let path, let reason):
      "\(path): cannot be read: \(reason)"
    case .unsupportedFile(let path, let hint):
      "\(path): is not opened: \(hint)"
    case .invalidHeader(let path, let reason):
      "\(path): is no valid safetensors file: \(reason)"
    case .missingTensor(let path, let tensor, let nearest):
      "\(path): has no tensor \"\(tensor)\""
        + (nearest.isEmpty ? "" : "; did you mean \(Self.quoted(nearest, joined: " or "))?")
    case .unexpectedTensors(let path, let tensors):
      "\(path): has \(tensors.count) tensors that nothing would read: \(Self.quoted(tensors))"
    case .duplicateTensor(let path, let tensor):
      "\(path): the tensor name \"\(tensor)\" is used twice"
    case .wrongShape(let path, let tensor, let expected, let found):
      "\(path): tensor \"\(tensor)\" has shape \(found), expected \(expected)"
    case .wrongDType(let path, let tensor, let expected, let found):
      "\(path): tensor \"\(tensor)\" has element type \(found.rawValue), expected "
        + expected.map(\.rawValue).joined(separator: ", ")
    case .valueOutOfRange(let path, let tensor, let index, let value, let allowed):
      "\(path): element \(index) of tensor \"\(tensor)\" is \(value), expected "
        + "\(allowed.lowerBound) to \(allowed.upperBound)"
    case .invalidJSON(let path, let reason):
      "\(path): is no valid JSON: \(reason)"
    case .missingField(let path, let field):
      "\(path): has no field \"\(field)\""
    case .invalidField(let path, let field, let expected, let found):
      "\(path): field \"\(field)\" is \(found), expected \(expected)"
    case .unsupportedField(let path, let field, let value, let hint):
      "\(path): field \"\(field)\" with value \(value) is not supported; \(hint)"
    case .unreadFields(let path, let fields):
      "\(path): has fields that would be ignored: \(Self.quoted(fields))"
    case .ioFailure(let path, let operation, let reason):
      "\(path): \(operation) failed: \(reason)"
    }
  }

  private static func quoted(_ names: [String], joined separator: String = ", ") -> String {
    let shown = names.prefix(10).map { "\"\($0)\"" }.joined(separator: separator)
    return names.count > 10 ? "\(shown) and \(names.count - 10) more" : shown
  }
}
