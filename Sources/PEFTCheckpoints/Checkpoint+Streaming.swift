package import PEFTTensor

extension Checkpoint {
  /// A real tensor that is read from the file each time it is asked for, into memory of its own.
  ///
  /// The pages of the file do not stay resident, so that a model of such tensors takes no memory but for those in use.
  ///
  /// - Throws: `missingTensor`, `wrongShape` or `wrongDType`.
  package func streamed(
    _ name: String, shape: [Int]
  ) throws(CheckpointError) -> StreamedTensor {
    let file = try file(of: name)
    let entry = try file.entry(name)
    guard let format = entry.dtype.numberFormat else {
      throw .wrongDType(
        path: file.path, tensor: name, expected: [.float32, .float16, .bfloat16, .float64],
        found: entry.dtype)
    }
    if entry.shape != shape {
      throw .wrongShape(path: file.path, tensor: name, expected: shape, found: entry.shape)
    }
    let (mapping, start) = (file.mapping, entry.byteRange.lowerBound)
    let count = shape.reduce(1, *)
    func piece(_ range: Range<Int>) -> Tensor {
      let size = format.byteCount
      let bytes = start + range.lowerBound * size..<start + range.upperBound * size
      let tensor = Tensor(
        decoding: mapping.storage(bytes), as: format, shape: [range.count]
      ).copied()
      mapping.release(bytes)
      return tensor
    }
    return StreamedTensor(shape, piece: piece) {
      if count <= StreamedTensor.pieceCount { return piece(0..<count).reshaped(shape) }
      let result = Tensor(zeros: shape)
      for first in stride(from: 0, to: count, by: StreamedTensor.pieceCount) {
        let part = piece(first..<min(count, first + StreamedTensor.pieceCount))
        result.overwrite(from: first, with: part)
      }
      return result
    }
  }
}
