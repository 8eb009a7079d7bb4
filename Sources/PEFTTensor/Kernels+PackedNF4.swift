internal import CPEFTKernels

extension Kernels {
  /// Panels of NF4 codes, with the scales of their blocks.
  struct NF4Panels: PackedWeight {
    private let weight: peft_nf4_weight
    var outputs: Int { weight.outputs }
    var inputs: Int { weight.inputs }
    var isReady: Bool { false }

    /// The most rows whose product is made without panels in the form of the instruction set.
    private static let fewRows = 4

    /// The storages must live as long as what is made here is used.
    init(codes: Storage, scales: NF4Weight.Scales, outputs: Int, inputs: Int) {
      var weight = peft_nf4_weight()
      (weight.outputs, weight.inputs) = (outputs, inputs)
      weight.codes = UnsafePointer(codes.address.assumingMemoryBound(to: UInt32.self))
      switch scales {
      case .plain(let scales):
        weight.scales = UnsafePointer(scales.address.assumingMemoryBound(to: Float.self))
      case .quantized(let codes, let scales, let map, let offset):
        weight.scale_codes = UnsafePointer(codes.address.assumingMemoryBound(to: UInt8.self))
        weight.scale_scales = UnsafePointer(scales.address.assumingMemoryBound(to: Float.self))
        weight.scale_map = UnsafePointer(map.address.assumingMemoryBound(to: Float.self))
        weight.offset = offset
      }
      self.weight = weight
    }

    func panel(_ index: Int, scratch: UnsafeMutableRawPointer) -> UnsafeRawPointer {
      withUnsafePointer(to: weight) { peft_nf4_panel($0, index, scratch) }
      return UnsafeRawPointer(scratch)
    }

    func transposedPanel(
      column: Int, outputs: Range<Int>, to scratch: UnsafeMutableRawPointer
    ) {
      withUnsafePointer(to: weight) {
        peft_nf4_panel_transposed(
          $0, outputs.lowerBound / Kernels.panel, outputs.count, column, scratch)
      }
    }

    /// Whether `multiplyFew` can make the product of so many rows.
    func isFew(_ rows: Int) -> Bool { rows <= Self.fewRows && inputs % 8 == 0 }

    func multiplyFew(_ rows: Storage, count: Int, panel: Int, to y: Tensor, beta: Float) {
      withUnsafePointer(to: weight) {
        peft_nf4_multiply_few($0, panel, rows.address, count, y.address, y.rowStride, beta)
      }
    }

    func unpack(panel: Int, to target: Tensor) {
      withUnsafePointer(to: weight) {
        peft_nf4_unpack($0, panel, target.address, target.rowStride)
      }
    }
  }

  /// y = x W^T + beta * y.
  static func multiply(_ x: Tensor, _ weight: NF4Panels, to y: Tensor, beta: Float) {
    guard weight.isFew(x.rows) else {
      return multiplyPanels(x, weight, to: y, beta: beta)
    }
    if x.rows == 0 { return }
    let rows = Storage(byteCount: x.rows * weight.inputs * width)
    peft_nf4_few_rows(x.address, x.rows, weight.inputs, x.rowStride, rows.address)
    Parallel.run(
      panelCount(weight.outputs), grain: panelGrain(rows: x.rows, inner: weight.inputs)
    ) { _, range in
      for index in range {
        weight.multiplyFew(rows, count: x.rows, panel: index, to: y, beta: beta)
      }
    }
  }

  static func unpack(_ source: NF4Panels, to target: Tensor) {
    Parallel.run(panelCount(source.outputs), grain: weightGrain(source.inputs)) { _, range in
      for index in range { source.unpack(panel: index, to: target) }
    }
  }

  /// Bytes of the codes in panels.
  static func nf4ByteCount(outputs: Int, inputs: Int) -> Int {
    panelCount(outputs) * panel * ((inputs + 7) / 8) * 4
  }

  /// Codes and scales of a contiguous tensor, in the order of its elements.
  static func quantizeNF4(_ source: Tensor, bytes: Storage, scales: Storage) {
    let block = NF4Weight.blockSize
    let target = bytes.address.assumingMemoryBound(to: UInt8.self)
    let scales = scales.address.assumingMemoryBound(to: Float.self)
    Parallel.run(NF4Weight.blockCount(source.count), grain: grain / block) { _, blocks in
      let first = blocks.lowerBound * block
      peft_nf4_quantise(
        source.address + first, min(blocks.upperBound * block, source.count) - first,
        target + first / 2, scales + blocks.lowerBound)
    }
  }

  /// Codes in the order of the elements, to panels.
  static func packNF4(_ bytes: Storage, outputs: Int, inputs: Int) -> Storage {
    let size = nf4ByteCount(outputs: 1, inputs: inputs)
    let result = Storage(byteCount: nf4ByteCount(outputs: outputs, inputs: inputs))
    let source = bytes.address.assumingMemoryBound(to: UInt8.self)
    Parallel.run(panelCount(outputs), grain: weightGrain(inputs)) { _, range in
      for index in range {
        peft_nf4_pack(
          source + index * panel * inputs / 2, min(panel, outputs - index * panel), inputs,
          (result.address + index * size).assumingMemoryBound(to: UInt32.self))
      }
    }
    return result
  }

  /// Codes in panels, to the order of the elements.
  static func bytesNF4(_ codes: Storage, outputs: Int, inputs: Int) -> [UInt8] {
    let size = nf4ByteCount(outputs: 1, inputs: inputs)
    let count = (outputs * inputs + 1) / 2
    return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = count
      guard let target = buffer.baseAddress else { return }
      Parallel.run(panelCount(outputs), grain: weightGrain(inputs)) { _, range in
        for index in range {
          peft_nf4_bytes(
            (codes.address + index * size).assumingMemoryBound(to: UInt32.self),
            min(panel, outputs - index * panel), inputs, target + index * panel * inputs / 2)
        }
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
