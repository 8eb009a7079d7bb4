internal import CPEFTKernels

/// The only place of this module, beside `Storage` and the files called `Kernels...`, that sees addresses.
///
/// Functions here check nothing: shapes are checked by the operation that calls them.
enum Kernels {
  /// Elements that are worth a thread of their own in elementwise work.
  static let grain = 16_384
}

extension Tensor {
  /// The first element.
  ///
  /// Valid while the tensor, or another of the same storage, is alive.
  var address: UnsafeMutablePointer<Float> {
    storage.address.assumingMemoryBound(to: Float.self) + offset
  }

  /// The elements of a contiguous tensor, for a library that reads and writes memory.
  ///
  /// Valid while the tensor, or another of the same storage, is alive; no tensor of the graph may share what is written.
  package var elements: UnsafeMutableBufferPointer<Float> {
    precondition(isContiguous, "Tensor.elements: shape \(shape) with row stride \(rowStride)")
    return UnsafeMutableBufferPointer(start: address, count: count)
  }
}

// MARK: Copying and filling

extension Kernels {
  static func copy(_ values: [Float], to tensor: Tensor) {
    values.withUnsafeBufferPointer { values in
      guard let source = values.baseAddress, !values.isEmpty else { return }
      tensor.address.update(from: source, count: values.count)
    }
  }

  static func copy(_ source: Tensor, to target: Tensor) {
    if source.isContiguous, target.isContiguous {
      Parallel.run(source.count, grain: grain) { _, range in
        (target.address + range.lowerBound).update(
          from: source.address + range.lowerBound, count: range.count)
      }
    } else {
      for row in 0..<source.rows {
        (target.address + row * target.rowStride).update(
          from: source.address + row * source.rowStride, count: source.columns)
      }
    }
  }

  static func fill(_ tensor: Tensor, with value: Float) {
    if tensor.isContiguous {
      tensor.address.update(repeating: value, count: tensor.count)
    } else {
      for row in 0..<tensor.rows {
        (tensor.address + row * tensor.rowStride).update(repeating: value, count: tensor.columns)
      }
    }
  }

  static func array(_ tensor: Tensor) -> [Float] {
    let count = tensor.count
    return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
      if count > 0, let base = buffer.baseAddress {
        let (rows, columns) = (tensor.rows, tensor.columns)
        for row in 0..<rows {
          (base + row * columns).update(
            from: tensor.address + row * tensor.rowStride, count: columns)
        }
      }
      initialized = count
    }
  }
}

// MARK: Sums in place

extension Kernels {
  /// target += source; both may have a row stride, shapes may differ in the leading axes only.
  static func add(_ source: Tensor, scale: Float = 1, into target: Tensor) {
    if source.isContiguous, target.isContiguous {
      Parallel.run(source.count, grain: grain) { _, range in
        peft_add_scaled(
          source.address + range.lowerBound, scale, target.address + range.lowerBound, range.count)
      }
    } else {
      for row in 0..<target.rows {
        peft_add_scaled(
          source.address + row * source.rowStride, scale, target.address + row * target.rowStride,
          target.columns)
      }
    }
  }

  static func sum(_ a: Tensor, _ b: Tensor) -> Tensor {
    let result = a.copied()
    add(b, into: result)
    return result
  }
}
