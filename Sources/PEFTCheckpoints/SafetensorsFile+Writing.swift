public import PEFTTensor

extension SafetensorsFile {
  /// One tensor to be written.
  ///
  /// The elements are asked for when they are written, one tensor after the other.
  public struct Item {
    /// The name.
    public let name: String
    /// The type of the elements in the file.
    public let dtype: DType
    /// The size of every axis.
    public let shape: [Int]
    private let content: Content

    private enum Content {
      case tensor(() throws(CheckpointError) -> Tensor)
      case streamed(StreamedTensor)
      case indices(Indices)
      case bytes(() -> [UInt8])
    }

    /// A tensor of real numbers, converted to `dtype` as it is written.
    ///
    /// - Parameters:
    ///   - name: the name in the file.
    ///   - tensor: the elements.
    ///   - dtype: F32, F16, BF16 or F64.
    public init(_ name: String, _ tensor: Tensor, as dtype: DType = .float32) {
      self.init(name, shape: tensor.shape, as: dtype) { () throws(CheckpointError) in tensor }
    }

    /// A tensor of real numbers that is computed when its turn comes, and released after it.
    ///
    /// - Parameters:
    ///   - name: the name in the file.
    ///   - shape: the shape that the computed tensor will have.
    ///   - dtype: F32, F16, BF16 or F64.
    ///   - tensor: computes the elements.
    public init(
      _ name: String, shape: [Int], as dtype: DType = .float32,
      computing tensor: @escaping () throws(CheckpointError) -> Tensor
    ) {
      precondition(dtype.isReal, "SafetensorsFile.Item: \(name) is real, not \(dtype.rawValue)")
      self.name = name
      self.dtype = dtype
      self.shape = shape
      content = .tensor(tensor)
    }

    /// A tensor of real numbers that is made when its turn comes, in pieces where it can be.
    package init(_ name: String, streaming tensor: StreamedTensor, as dtype: DType = .float32) {
      precondition(dtype.isReal, "SafetensorsFile.Item: \(name) is real, not \(dtype.rawValue)")
      (self.name, self.dtype, shape) = (name, dtype, tensor.shape)
      content = .streamed(tensor)
    }

    /// Whole numbers.
    ///
    /// - Parameters:
    ///   - name: the name in the file.
    ///   - indices: the elements.
    ///   - dtype: I64, I32, I16, I8, U8 or BOOL.
    public init(_ name: String, _ indices: Indices, as dtype: DType = .int64) {
      precondition(
        dtype.isInteger, "SafetensorsFile.Item: \(name) is whole, not \(dtype.rawValue)")
      self.name = name
      self.dtype = dtype
      shape = indices.shape
      content = .indices(indices)
    }

    /// Bytes that are written as they are.
    ///
    /// - Parameters:
    ///   - name: the name in the file.
    ///   - bytes: as many as `shape` of `dtype` takes.
    ///   - dtype: any type.
    ///   - shape: the size of every axis.
    public init(_ name: String, bytes: [UInt8], as dtype: DType = .uint8, shape: [Int]) {
      self.init(name, shape: shape, as: dtype, computingBytes: { bytes })
      precondition(
        shape.reduce(dtype.bitCount, *) == bytes.count * 8,
        "SafetensorsFile.Item: \(bytes.count) bytes for shape \(shape) of \(dtype.rawValue)")
    }

    /// Bytes that are made when their turn comes, and released after it.
    ///
    /// - Parameters:
    ///   - name: the name in the file.
    ///   - shape: the size of every axis.
    ///   - dtype: any type.
    ///   - bytes: makes as many as `shape` of `dtype` takes.
    public init(
      _ name: String, shape: [Int], as dtype: DType, computingBytes bytes: @escaping () -> [UInt8]
    ) {
      self.name = name
      self.dtype = dtype
      self.shape = shape
      content = .bytes(bytes)
    }

    /// The size of the elements in the file.
    public var byteCount: Int { shape.reduce(dtype.bitCount, *) / 8 }

    func append(to file: borrowing ReplacedFile, _ path: String) throws(CheckpointError) {
      switch content {
      case .bytes(let make):
        let bytes = make()
        precondition(
          bytes.count == byteCount,
          "SafetensorsFile.Item: \(name) was announced as \(byteCount) bytes and has \(bytes.count)"
        )
        try file.append(bytes)
      case .indices(let indices): try append(indices, to: file, path)
      case .streamed(let streamed):
        guard let format = dtype.numberFormat else { return }
        try streamed.forEachPiece { (tensor) throws(CheckpointError) in
          try tensor.encode(as: format) { (bytes) throws(CheckpointError) in
            try file.append(bytes)
          }
        }
      case .tensor(let make):
        let tensor = try make()
        precondition(
          tensor.shape == shape,
          "SafetensorsFile.Item: \(name) was announced as \(shape) and is \(tensor.shape)")
        guard let format = dtype.numberFormat else { return }
        try tensor.encode(as: format) { (bytes) throws(CheckpointError) in
          try file.append(bytes)
        }
      }
    }

    private func append(
      _ indices: Indices, to file: borrowing ReplacedFile, _ path: String
    ) throws(CheckpointError) {
      guard let allowed = dtype.integerRange else { return }
      let size = dtype.bitCount / 8
      var bytes: [UInt8] = []
      bytes.reserveCapacity(indices.count * size)
      for (index, value) in indices.values.enumerated() {
        if !allowed.contains(Int64(value)) {
          throw .valueOutOfRange(
            path: path, tensor: name, index: index, value: Int64(value), allowed: allowed)
        }
        let wide = UInt64(bitPattern: Int64(value))
        for byte in 0..<size { bytes.append(UInt8(truncatingIfNeeded: wide >> (8 * byte))) }
      }
      try file.append(bytes)
    }
  }

  /// Writes a safetensors file: aside, made to last, then renamed over `path`.
  ///
  /// The same tensors give the same bytes, whatever order they come in, and the bytes the reference
  /// implementation writes: wider elements first, then by name. Tensors are written one by one; at no
  /// time is there a second copy of all.
  ///
  /// - Parameters:
  ///   - items: the tensors.
  ///   - metadata: strings for `__metadata__`, which is left out if there are none.
  ///   - path: the file to be replaced.
  /// - Throws: `ioFailure`, `duplicateTensor`, `valueOutOfRange`, `invalidField` for the reserved name
  ///   or a header over the limit of the format; the old file is then untouched.
  public static func write(
    _ items: [Item], metadata: [(name: String, value: String)] = [], to path: String
  ) throws(CheckpointError) {
    let sorted = items.sorted {
      ($1.dtype.rank, ExactName($0.name)) < ($0.dtype.rank, ExactName($1.name))
    }
    let header = try header(sorted, metadata, path)
    try ReplacedFile.write(to: path) { (file) throws(CheckpointError) in
      try file.append(header)
      for item in sorted { try item.append(to: file, path) }
    }
  }
}
