internal import CPEFTKernels

extension Kernels {
  /// Panels of codes of four or eight bits, with the scales of their blocks.
  struct CodedPanels: PackedWeight {
    private let weight: peft_coded_weight
    var outputs: Int { weight.outputs }
    var inputs: Int { weight.inputs }
    var isReady: Bool { false }

    /// The most rows whose product is made without panels in the form of the instruction set.
    private static let fewRows = 4

    /// Codes of four bits; the storages must live as long as what is made here is used.
    init(
      codes: Storage, code: FourBitCode, scales: FourBitWeight.Scales, outputs: Int, inputs: Int
    ) {
      var weight = Self.weight(codes, bits: 4, outputs, inputs, block: FourBitWeight.blockSize)
      weight.values = UnsafePointer(code.table.floats)
      switch scales {
      case .plain(let scales): weight.scales = UnsafePointer(scales.floats)
      case .quantized(let codes, let scales, let map, let offset):
        weight.scale_codes = UnsafePointer(codes.bytes)
        weight.scale_scales = UnsafePointer(scales.floats)
        weight.scale_map = UnsafePointer(map.floats)
        weight.offset = offset
      }
      self.weight = weight
    }

    /// Codes of eight bits; the storages must live as long as what is made here is used.
    ///
    /// - Parameters:
    ///   - codes: in panels.
    ///   - scales: one a block.
    ///   - block: the elements of a block, a power of two of at least 64; nil for rows.
    ///   - outputs: the number of rows of W.
    ///   - inputs: the number of columns of W.
    init(codes: Storage, scales: Storage, block: Int?, outputs: Int, inputs: Int) {
      var weight = Self.weight(codes, bits: 8, outputs, inputs, block: block)
      weight.scales = UnsafePointer(scales.floats)
      self.weight = weight
    }

    private static func weight(
      _ codes: Storage, bits: UInt32, _ outputs: Int, _ inputs: Int, block: Int?
    ) -> peft_coded_weight {
      var weight = peft_coded_weight()
      (weight.outputs, weight.inputs, weight.bits) = (outputs, inputs, bits)
      weight.block_shift = block.map { UInt32($0.trailingZeroBitCount) } ?? 0
      weight.codes = UnsafePointer(codes.address.assumingMemoryBound(to: UInt32.self))
      return weight
    }

    func panel(_ index: Int, scratch: UnsafeMutableRawPointer) -> UnsafeRawPointer {
      withUnsafePointer(to: weight) { peft_coded_panel($0, index, scratch) }
      return UnsafeRawPointer(scratch)
    }

    func transposedPanel(
      column: Int, outputs: Range<Int>, to scratch: UnsafeMutableRawPointer
    ) {
      withUnsafePointer(to: weight) {
        peft_coded_panel_transposed(
          $0, outputs.lowerBound / Kernels.panel, outputs.count, column, scratch)
      }
    }

    func unpack(panel: Int, to target: Tensor) {
      withUnsafePointer(to: weight) {
        peft_coded_unpack($0, panel, target.address, target.rowStride)
      }
    }

    /// The product with few rows meets the numbers of the code, or the bytes, themselves.
    func multiply(_ x: Tensor, to y: Tensor, beta: Float) {
      guard x.rows <= Self.fewRows, inputs % 8 == 0 else {
        return Kernels.multiplyPanels(x, self, to: y, beta: beta)
      }
      if x.rows == 0 { return }
      Arithmetic.count(multiplyAdds: x.rows * inputs * outputs)
      let rows = Storage(byteCount: x.rows * inputs * (weight.bits == 4 ? width : 4))
      peft_coded_few_rows(x.address, x.rows, inputs, x.rowStride, weight.bits, rows.address)
      Parallel.run(panelCount(outputs), grain: panelGrain(rows: x.rows, inner: inputs)) {
        _, range in
        for index in range {
          withUnsafePointer(to: weight) {
            peft_coded_multiply_few(
              $0, index, rows.address, x.rows, y.address, y.rowStride, beta)
          }
        }
      }
    }
  }

  /// Bytes of codes in panels.
  private static func codeByteCount(bits: Int, outputs: Int, inputs: Int) -> Int {
    panelCount(outputs) * panel * ((inputs + 7) / 8) * bits
  }

  /// Runs the body for every panel, with the element of W that it starts with, the number of its outputs and the place of its codes.
  private static func forEachPanel(
    bits: Int, _ outputs: Int, _ inputs: Int, _ codes: Storage,
    _ body: (Int, Int, UnsafeMutablePointer<UInt32>) -> Void
  ) {
    let size = codeByteCount(bits: bits, outputs: 1, inputs: inputs)
    Parallel.run(panelCount(outputs), grain: weightGrain(inputs)) { _, range in
      for index in range {
        body(
          index * panel * inputs, min(panel, outputs - index * panel),
          (codes.address + index * size).assumingMemoryBound(to: UInt32.self))
      }
    }
  }
}

// MARK: Four bits

extension Kernels {
  static func fourBitByteCount(outputs: Int, inputs: Int) -> Int {
    codeByteCount(bits: 4, outputs: outputs, inputs: inputs)
  }

  /// Codes and scales of a contiguous tensor, in the order of its elements.
  static func quantizeFourBit(
    _ source: Tensor, _ code: FourBitCode, bytes: Storage, scales: Storage
  ) {
    let block = FourBitWeight.blockSize
    let (target, scales) = (bytes.bytes, scales.floats)
    let table = code.table.address.assumingMemoryBound(to: peft_four_bit_code.self)
    Parallel.run(FourBitWeight.blockCount(source.count), grain: grain / block) { _, blocks in
      let first = blocks.lowerBound * block
      peft_four_bit_quantise(
        source.address + first, min(blocks.upperBound * block, source.count) - first, table,
        target + first / 2, scales + blocks.lowerBound)
    }
  }

  /// Codes in the order of the elements, to panels.
  static func packFourBit(_ bytes: Storage, outputs: Int, inputs: Int) -> Storage {
    let result = Storage(byteCount: fourBitByteCount(outputs: outputs, inputs: inputs))
    let source = bytes.bytes
    forEachPanel(bits: 4, outputs, inputs, result) { element, rows, codes in
      peft_four_bit_pack(source + element / 2, rows, inputs, codes)
    }
    return result
  }

  /// Codes in panels, to the order of the elements.
  static func bytesFourBit(
    _ codes: Storage, _ code: FourBitCode, outputs: Int, inputs: Int
  ) -> [UInt8] {
    let count = (outputs * inputs + 1) / 2
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = count
      guard let target = buffer.baseAddress else { return }
      let zero = UInt32(code.zero)
      forEachPanel(bits: 4, outputs, inputs, codes) { element, rows, codes in
        peft_four_bit_unpack(codes, rows, inputs, zero, target + element / 2)
      }
    }
  }
}

// MARK: Eight bits

extension Kernels {
  static func int8ByteCount(outputs: Int, inputs: Int) -> Int {
    codeByteCount(bits: 8, outputs: outputs, inputs: inputs)
  }

  /// Bytes and scales of a contiguous tensor, in the order of its elements.
  static func quantizeInt8(_ source: Tensor, block: Int, bytes: Storage, scales: Storage) {
    let (target, scales) = (bytes.signedBytes, scales.floats)
    let count = (source.count + block - 1) / max(1, block)
    Parallel.run(count, grain: max(1, grain / max(1, block))) { _, blocks in
      let first = blocks.lowerBound * block
      peft_int8_quantise(
        source.address + first, min(blocks.upperBound * block, source.count) - first, block,
        target + first, scales + blocks.lowerBound)
    }
  }

  /// Bytes in the order of the elements, to panels.
  static func packInt8(_ bytes: Storage, outputs: Int, inputs: Int) -> Storage {
    let result = Storage(byteCount: int8ByteCount(outputs: outputs, inputs: inputs))
    let source = bytes.signedBytes
    forEachPanel(bits: 8, outputs, inputs, result) { element, rows, codes in
      peft_int8_pack(source + element, rows, inputs, codes)
    }
    return result
  }

  /// Bytes in panels, to the order of the elements.
  static func bytesInt8(_ codes: Storage, outputs: Int, inputs: Int) -> [Int8] {
    [Int8](unsafeUninitializedCapacity: outputs * inputs) { buffer, initialized in
      initialized = outputs * inputs
      guard let target = buffer.baseAddress else { return }
      forEachPanel(bits: 8, outputs, inputs, codes) { element, rows, codes in
        peft_int8_unpack(codes, rows, inputs, target + element)
      }
    }
  }
}

// MARK: Arrays and storage

extension Kernels {
  static func storage<Element: BitwiseCopyable>(of values: [Element]) -> Storage {
    values.withUnsafeBytes { source in
      let result = Storage(byteCount: source.count)
      if let base = source.baseAddress {
        result.address.copyMemory(from: base, byteCount: source.count)
      }
      return result
    }
  }

  static func bytes(of storage: Storage, count: Int) -> [UInt8] {
    Array(UnsafeRawBufferPointer(start: storage.address, count: count))
  }
}

extension Storage {
  var bytes: UnsafeMutablePointer<UInt8> { address.assumingMemoryBound(to: UInt8.self) }
  var floats: UnsafeMutablePointer<Float> { address.assumingMemoryBound(to: Float.self) }
  fileprivate var signedBytes: UnsafeMutablePointer<Int8> {
    address.assumingMemoryBound(to: Int8.self)
  }
}
