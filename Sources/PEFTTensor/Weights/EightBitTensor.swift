/// Numbers in eight bits, in blocks of 256 that share a scale: what a running moment is kept in.
///
/// A number is one of the 256 of a `DynamicMap` times the scale of its block, the largest magnitude in
/// it. Kernels that own the tensor change it in place.
package struct EightBitTensor: Sendable {
  /// The number of elements.
  package let count: Int
  /// What codes stand for.
  package let map: DynamicMap
  let codeStorage: Storage
  let scaleStorage: Storage

  /// Elements that share a scale.
  package static let blockSize = 256

  /// How many blocks hold so many elements.
  package static func blockCount(_ count: Int) -> Int { (count + blockSize - 1) / blockSize }

  /// What lies in memory of others: a byte an element, and a float32 a block.
  package init(count: Int, map: DynamicMap, codes: Storage, scales: Storage) {
    precondition(
      codes.byteCount >= count && scales.byteCount >= 4 * Self.blockCount(count),
      "EightBitTensor: \(codes.byteCount) and \(scales.byteCount) bytes for \(count) elements")
    (self.count, self.map) = (count, map)
    (codeStorage, scaleStorage) = (codes, scales)
  }

  /// Zeros.
  package init(zeros count: Int, map: DynamicMap) {
    let blocks = Self.blockCount(count)
    self.init(
      codes: [UInt8](repeating: 0, count: count), scales: [Float](repeating: 0, count: blocks),
      map: map)
  }

  /// The elements that codes and scales stand for.
  package init(codes: [UInt8], scales: [Float], map: DynamicMap) {
    precondition(
      scales.count == Self.blockCount(codes.count),
      "EightBitTensor: \(scales.count) scales for \(codes.count) codes")
    (count, self.map) = (codes.count, map)
    codeStorage = Kernels.storage(of: codes)
    scaleStorage = Kernels.storage(of: scales)
  }

  /// The nearest numbers to those of a tensor.
  package init(_ source: Tensor, map: DynamicMap) {
    self.init(zeros: source.count, map: map)
    Kernels.quantizeBlockwise(
      source.contiguous, map: map, codes: codeStorage, scales: scaleStorage)
  }

  /// One code an element.
  package var codes: [UInt8] { Kernels.bytes(of: codeStorage, count: count) }

  /// One scale a block.
  package var scales: [Float] {
    let blocks = Self.blockCount(count)
    return Tensor(storage: scaleStorage, offset: 0, shape: [blocks]).array
  }

  /// The elements in float32, `[count]`.
  package func dense() -> Tensor {
    let result = Tensor(uninitialized: [count])
    Kernels.unpack(self, to: result)
    return result
  }

  /// Changes all elements in place.
  package func overwrite(codes: [UInt8], scales: [Float]) {
    precondition(
      codes.count == count && scales.count == Self.blockCount(count),
      "EightBitTensor: \(codes.count) codes and \(scales.count) scales for \(count) elements")
    codeStorage.address.copyMemory(from: codes, byteCount: count)
    scaleStorage.address.copyMemory(from: scales, byteCount: 4 * scales.count)
  }
}
