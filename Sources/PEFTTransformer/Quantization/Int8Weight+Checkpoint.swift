import PEFTCheckpoints
import PEFTTensor

/// A weight as bitsandbytes stores it for `load_in_8bit`: bytes under the weight's own name, and beside it `SCB`, the largest
/// magnitude of each row, and `weight_format`, 0 for row-major.
///
/// Blocks have no such form.
extension Int8Weight {
  /// The name of a tensor beside that of the weight, which ends in `.weight`.
  private static func name(_ part: String, of weight: String) -> String {
    (weight.hasSuffix("weight") ? String(weight.dropLast("weight".utf8.count)) : weight + ".")
      + part
  }

  /// Reads a weight; nil where there is none in eight bits under this name.
  ///
  /// - Parameters:
  ///   - name: that of the weight.
  ///   - checkpoint: where it is.
  ///   - shape: the matrix `[outputs, inputs]` that is expected.
  ///   - read: gets the names of all its tensors.
  /// - Throws: `CheckpointError` for tensors that are missing or of another type or shape, and another layout.
  init?(
    _ name: String, in checkpoint: Checkpoint, shape: [Int], read: (String) -> Void
  ) throws(CheckpointError) {
    guard let entry = checkpoint[name], entry.dtype == .int8 else { return nil }
    let file = try checkpoint.file(of: name)
    guard entry.shape == shape else {
      throw .wrongShape(path: file.path, tensor: name, expected: shape, found: entry.shape)
    }
    let (scales, format) = (Self.name("SCB", of: name), Self.name("weight_format", of: name))
    if checkpoint[format] != nil {
      let found = try checkpoint.bytes(format)
      guard found == [0] else {
        throw .invalidField(
          path: try checkpoint.file(of: format).path, field: format, expected: "0, for rows",
          found: "\(found)")
      }
      read(format)
    }
    let rowScales = try checkpoint.tensor(scales, shape: [shape[0]])
    self.init(
      bytes: try checkpoint.bytes(name).map { Int8(bitPattern: $0) }, rowScales: rowScales.array)
    read(name)
    read(scales)
  }
}

extension Int8Weight: BitsAndBytesWeight {
  var kind: BitsAndBytes.Kind { .eightBit }

  func items(_ name: String, dtype: String) -> [SafetensorsFile.Item] {
    [
      .init(
        name, shape: [outputs, inputs], as: .int8,
        computingBytes: { bytes.map { UInt8(bitPattern: $0) } }),
      .init(Self.name("SCB", of: name), Tensor(scales)),
      .init(Self.name("weight_format", of: name), bytes: [0], shape: []),
    ]
  }
}
