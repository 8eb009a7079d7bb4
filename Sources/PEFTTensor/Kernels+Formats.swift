internal import CPEFTKernels

/// How numbers are laid out in files and in compact weights; computing is always float32.
package enum NumberFormat: Sendable, Hashable {
  /// IEEE 754 binary64.
  case float64
  /// IEEE 754 binary32.
  case float32
  /// IEEE 754 binary16.
  case float16
  /// The upper half of binary32.
  case bfloat16

  /// The size of one number in bytes.
  package var byteCount: Int {
    switch self {
    case .float64: 8
    case .float32: 4
    case .float16, .bfloat16: 2
    }
  }
}

extension Tensor {
  /// The numbers at the start of `source`, which may lie at any alignment.
  ///
  /// Aligned float32 is shown where it lies, without a copy; anything else is converted into new
  /// memory. A float64 is rounded to the nearest float32.
  package init(decoding source: Storage, as format: NumberFormat, shape: [Int]) {
    let count = shape.reduce(1, *)
    precondition(
      count * format.byteCount <= source.byteCount, "Tensor: shape \(shape) leaves its storage")
    if format == .float32, UInt(bitPattern: source.address) % 4 == 0 {
      self.init(storage: source, offset: 0, shape: shape)
      return
    }
    self.init(uninitialized: shape)
    Kernels.decode(source, as: format, to: self)
  }

  /// Hands the elements over in row-major order in `format`, in one or several pieces.
  ///
  /// Numbers are rounded to the nearest, ties to even. A contiguous float32 tensor is not copied;
  /// other formats need a buffer of a fixed size.
  package func encode<Failure: Error>(
    as format: NumberFormat, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let source = contiguous
    let count = source.count
    if count == 0 { return }
    if format == .float32 {
      try body(UnsafeRawBufferPointer(start: source.address, count: count * 4))
      return
    }
    let piece = min(count, 1 << 18)
    let buffer = Storage(byteCount: piece * format.byteCount)
    for start in stride(from: 0, to: count, by: piece) {
      let length = min(piece, count - start)
      Kernels.encode(source.address + start, length, as: format, to: buffer.address)
      try body(
        UnsafeRawBufferPointer(start: buffer.address, count: length * format.byteCount))
    }
  }
}

extension Kernels {
  static func decode(_ source: Storage, as format: NumberFormat, to target: Tensor) {
    let byteCount = target.count * format.byteCount
    var bytes = source
    if UInt(bitPattern: source.address) % UInt(format.byteCount) != 0 {
      bytes = Storage(byteCount: byteCount)
      bytes.address.copyMemory(from: source.address, byteCount: byteCount)
    }
    let aligned = bytes
    Parallel.run(target.count, grain: grain) { _, range in
      let input = aligned.address + range.lowerBound * format.byteCount
      let output = target.address + range.lowerBound
      switch format {
      case .float32:
        output.update(from: input.assumingMemoryBound(to: Float.self), count: range.count)
      case .float16: peft_float_from_float16(input, output, range.count)
      case .bfloat16: peft_float_from_bfloat16(input, output, range.count)
      case .float64:
        let doubles = input.assumingMemoryBound(to: Double.self)
        for index in 0..<range.count { output[index] = Float(doubles[index]) }
      }
    }
  }

  static func encode(
    _ source: UnsafeMutablePointer<Float>, _ count: Int, as format: NumberFormat,
    to target: UnsafeMutableRawPointer
  ) {
    Parallel.run(count, grain: grain) { _, range in
      let input = source + range.lowerBound
      let output = target + range.lowerBound * format.byteCount
      switch format {
      case .float32: output.copyMemory(from: input, byteCount: range.count * 4)
      case .float16: peft_float16_from_float(input, output, range.count)
      case .bfloat16: peft_bfloat16_from_float(input, output, range.count)
      case .float64:
        let doubles = output.assumingMemoryBound(to: Double.self)
        for index in 0..<range.count { doubles[index] = Double(input[index]) }
      }
    }
  }
}
