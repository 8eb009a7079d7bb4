public import PEFTTensor

/// Writes GGUF files, version 3: settings and tensors for llama.cpp and its kin.
///
/// Little-endian; the data of every tensor begins at a multiple of 32 bytes. Elements are float32.
public struct GGUFWriter {
  /// The value of a setting.
  public enum Value: Sendable, Hashable {
    /// A text.
    case string(String)
    /// A whole number of 32 bits.
    case uint32(UInt32)
    /// A number.
    case float32(Float)
  }

  /// Settings in the order in which they are written.
  public private(set) var settings: [(name: String, value: Value)] = []
  /// Tensors in the order in which they are written; row-major shapes.
  public private(set) var tensors: [(name: String, value: Tensor)] = []

  private static let alignment = 32

  /// A file of nothing.
  public init() {}

  /// Adds a setting, or replaces that of the name.
  public mutating func set(_ name: String, _ value: Value) {
    settings.removeAll { $0.name == name }
    settings.append((name, value))
  }

  /// Adds a tensor.
  public mutating func add(_ name: String, _ value: Tensor) { tensors.append((name, value)) }

  /// Writes the file: aside, then renamed over `path`.
  ///
  /// - Parameter path: the file to be replaced.
  /// - Throws: `duplicateTensor`, `invalidField` for a name of more than 63 bytes, which llama.cpp refuses, or a tensor of more than four
  ///   axes, and `ioFailure`; the old file is then untouched.
  public func write(to path: String) throws(CheckpointError) {
    var names: Set<ExactName> = []
    for tensor in tensors {
      if !names.insert(ExactName(tensor.name)).inserted {
        throw .duplicateTensor(path: path, tensor: tensor.name)
      }
      guard (1...63).contains(tensor.name.utf8.count), (1...4).contains(tensor.value.shape.count)
      else {
        throw .invalidField(
          path: path, field: tensor.name, expected: "a name of 1 to 63 bytes and 1 to 4 axes",
          found: "\(tensor.name.utf8.count) bytes, shape \(tensor.value.shape)")
      }
    }
    try ReplacedFile.write(to: path) { (file) throws(CheckpointError) in
      try file.append(header)
      for tensor in tensors {
        try tensor.value.encode(as: .float32) { (bytes) throws(CheckpointError) in
          try file.append(bytes)
        }
        try file.append(Self.padding(after: tensor.value.count * 4))
      }
    }
  }

  private var header: [UInt8] {
    var bytes = Array("GGUF".utf8)
    Self.add(UInt32(3), to: &bytes)
    Self.add(UInt64(tensors.count), to: &bytes)
    Self.add(UInt64(settings.count), to: &bytes)
    for (name, value) in settings {
      Self.add(name, to: &bytes)
      switch value {
      case .uint32(let number):
        Self.add(UInt32(4), to: &bytes)
        Self.add(number, to: &bytes)
      case .float32(let number):
        Self.add(UInt32(6), to: &bytes)
        Self.add(number.bitPattern, to: &bytes)
      case .string(let text):
        Self.add(UInt32(8), to: &bytes)
        Self.add(text, to: &bytes)
      }
    }
    var offset = 0
    for (name, value) in tensors {
      Self.add(name, to: &bytes)
      Self.add(UInt32(value.shape.count), to: &bytes)
      // The axis that lies closest together comes first.
      for size in value.shape.reversed() { Self.add(UInt64(size), to: &bytes) }
      Self.add(UInt32(0), to: &bytes)  // float32
      Self.add(UInt64(offset), to: &bytes)
      offset += value.count * 4 + Self.padding(after: value.count * 4).count
    }
    return bytes + Self.padding(after: bytes.count)
  }

  private static func padding(after count: Int) -> [UInt8] {
    [UInt8](repeating: 0, count: (alignment - count % alignment) % alignment)
  }

  private static func add(_ text: String, to bytes: inout [UInt8]) {
    add(UInt64(text.utf8.count), to: &bytes)
    bytes += text.utf8
  }

  private static func add(_ number: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
  }
}
