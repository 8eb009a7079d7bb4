public import PEFTTensor

extension SafetensorsFile {
  /// The elements of a real tensor.
  ///
  /// Aligned float32 is shown where it lies in the mapping, without a copy; writing to it in place
  /// changes this process's pages and never the file. F16, BF16 and F64 are converted to float32.
  ///
  /// - Throws: `missingTensor`, or `wrongDType` for anything but F32, F16, BF16 and F64.
  public func tensor(_ name: String) throws(CheckpointError) -> Tensor {
    let entry = try entry(name)
    guard let format = entry.dtype.numberFormat else {
      throw .wrongDType(
        path: path, tensor: name, expected: [.float32, .float16, .bfloat16, .float64],
        found: entry.dtype)
    }
    return Tensor(decoding: mapping.storage(entry.byteRange), as: format, shape: entry.shape)
  }

  /// The elements of a tensor of whole numbers.
  ///
  /// - Throws: `missingTensor`, `wrongDType` for anything but I64, I32, I16, I8, U8 and BOOL, or
  ///   `valueOutOfRange` for an I64 beyond 32 bits or a BOOL other than 0 and 1.
  public func indices(_ name: String) throws(CheckpointError) -> Indices {
    let entry = try entry(name)
    guard let allowed = entry.dtype.integerRange else {
      throw .wrongDType(
        path: path, tensor: name, expected: [.int64, .int32, .int16, .int8, .uint8, .bool],
        found: entry.dtype)
    }
    let range = entry.byteRange
    let values: [Int32]
    switch entry.dtype {
    case .int8: values = mapping.integers(range, as: Int8.self).map(Int32.init)
    case .int16: values = mapping.integers(range, as: Int16.self).map(Int32.init)
    case .int32: values = mapping.integers(range, as: Int32.self)
    case .int64:
      values = try narrow(mapping.integers(range, as: Int64.self), entry, allowed)
    default: values = try narrow(mapping.integers(range, as: UInt8.self), entry, allowed)
    }
    return Indices(values, shape: entry.shape)
  }

  /// The bytes of any tensor, as they lie in the file.
  ///
  /// - Throws: `missingTensor`.
  /// - Complexity: linear; a copy.
  public func bytes(_ name: String) throws(CheckpointError) -> [UInt8] {
    mapping.bytes(try entry(name).byteRange)
  }

  /// The memory of any tensor in the mapping, without a copy and at any alignment.
  package func storage(_ name: String) throws(CheckpointError) -> Storage {
    mapping.storage(try entry(name).byteRange)
  }

  /// What the header says about a tensor that has to be there.
  ///
  /// - Throws: `missingTensor` with the names most like it.
  public func entry(_ name: String) throws(CheckpointError) -> Entry {
    if let entry = self[name] { return entry }
    throw .missingTensor(
      path: path, tensor: name, nearest: nearestNames(to: name, among: names))
  }

  private func narrow<Value: FixedWidthInteger>(
    _ values: [Value], _ entry: Entry, _ allowed: ClosedRange<Int64>
  ) throws(CheckpointError) -> [Int32] {
    if let index = values.firstIndex(where: { !allowed.contains(Int64($0)) }) {
      throw .valueOutOfRange(
        path: path, tensor: entry.name, index: index, value: Int64(values[index]), allowed: allowed)
    }
    return values.map { Int32($0) }
  }
}
