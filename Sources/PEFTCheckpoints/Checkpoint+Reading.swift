public import PEFTTensor

extension Checkpoint {
  /// The elements of a real tensor; see `SafetensorsFile.tensor(_:)`.
  ///
  /// - Throws: `missingTensor` or `wrongDType`.
  public func tensor(_ name: String) throws(CheckpointError) -> Tensor {
    try file(of: name).tensor(name)
  }

  /// The elements of a real tensor that must have a certain shape.
  ///
  /// - Throws: `missingTensor`, `wrongShape` or `wrongDType`.
  public func tensor(_ name: String, shape: [Int]) throws(CheckpointError) -> Tensor {
    let file = try file(of: name)
    let found = try file.entry(name).shape
    if found != shape {
      throw .wrongShape(path: file.path, tensor: name, expected: shape, found: found)
    }
    return try file.tensor(name)
  }

  /// The elements of a tensor of whole numbers; see `SafetensorsFile.indices(_:)`.
  ///
  /// - Throws: `missingTensor`, `wrongDType` or `valueOutOfRange`.
  public func indices(_ name: String) throws(CheckpointError) -> Indices {
    try file(of: name).indices(name)
  }

  /// The bytes of any tensor, as they lie in the file.
  ///
  /// - Throws: `missingTensor`.
  /// - Complexity: linear; a copy.
  public func bytes(_ name: String) throws(CheckpointError) -> [UInt8] {
    try file(of: name).bytes(name)
  }

  /// The memory of any tensor in its mapping, without a copy and at any alignment.
  package func storage(_ name: String) throws(CheckpointError) -> Storage {
    try file(of: name).storage(name)
  }
}
