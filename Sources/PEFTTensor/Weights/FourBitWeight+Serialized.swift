extension FourBitWeight {
  /// What bitsandbytes stores for a weight, apart from the names of the tensors.
  package struct Serialized: Sendable {
    /// `quant_type`, `blocksize`, `dtype` and `shape` of the quantisation state.
    package var type: String
    package var blockSize = FourBitWeight.blockSize
    package var dtype = "float32"
    package var shape: [Int]
    /// Two codes a byte, the earlier in the upper half.
    package var weight: [UInt8]
    /// float32 scales as they lie in memory, or codes of scales.
    package var absmax: [UInt8]
    /// The sixteen numbers of the code.
    package var quantMap: [Float]
    /// The second level, where scales are quantised.
    package var nested: Nested?

    /// How scales are quantised.
    package struct Nested: Sendable {
      package var absmax: [Float]
      package var quantMap: [Float]
      package var offset: Float
      package var blockSize = FourBitWeight.nestedBlockSize

      package init(absmax: [Float], quantMap: [Float], offset: Float) {
        (self.absmax, self.quantMap, self.offset) = (absmax, quantMap, offset)
      }
    }

    package init(
      code: FourBitCode = .nf4, shape: [Int], weight: [UInt8], absmax: [UInt8],
      nested: Nested? = nil
    ) {
      (type, quantMap) = (code.rawValue, code.values)
      (self.shape, self.weight, self.absmax, self.nested) = (shape, weight, absmax, nested)
    }

    /// The text of the quantisation state, as Python's `json.dumps` writes it.
    package var json: String {
      let sizes = shape.map(String.init).joined(separator: ", ")
      var text = "{\"quant_type\": \"\(type)\", \"blocksize\": \(blockSize), "
      text += "\"dtype\": \"\(dtype)\", \"shape\": [\(sizes)]"
      if let nested {
        text += ", \"nested_blocksize\": \(nested.blockSize), \"nested_dtype\": \"float32\", "
        text += "\"nested_offset\": \(Double(nested.offset))"
      }
      return text + "}"
    }
  }

  /// Why a stored weight is not one that can be read.
  package enum FormatError: Error, CustomStringConvertible, Equatable {
    /// A setting has a value that is not known here.
    case unsupported(field: String, found: String, expected: String)
    /// A tensor has another number of elements than the shape asks for.
    case count(tensor: String, found: Int, expected: Int)

    package var description: String {
      switch self {
      case .unsupported(let field, let found, let expected):
        "four-bit weight: \(field) is \(found), expected \(expected)"
      case .count(let tensor, let found, let expected):
        "four-bit weight: \(tensor) has \(found) elements, expected \(expected)"
      }
    }
  }

  /// Lays out a weight from what bitsandbytes stores.
  ///
  /// - Throws: `FormatError` where a setting or a size does not fit.
  package init(_ source: Serialized) throws(FormatError) {
    code = try Self.check(source)
    (outputs, inputs) = (source.shape[0], source.shape[1])
    codes = Kernels.packFourBit(
      Kernels.storage(of: source.weight), outputs: outputs, inputs: inputs)
    let absmax = Kernels.storage(of: source.absmax)
    if let nested = source.nested {
      scales = .quantized(
        codes: absmax, scales: Kernels.storage(of: nested.absmax),
        map: Kernels.storage(of: nested.quantMap), offset: nested.offset)
    } else {
      scales = .plain(absmax)
    }
  }

  /// What bitsandbytes stores for this weight; `dtype` names the format that the weight once had.
  package func serialized(dtype: String = "float32") -> Serialized {
    let blocks = Self.blockCount(outputs * inputs)
    var result = Serialized(
      code: code, shape: [outputs, inputs],
      weight: Kernels.bytesFourBit(codes, code, outputs: outputs, inputs: inputs), absmax: [])
    result.dtype = dtype
    switch scales {
    case .plain(let scales): result.absmax = Kernels.bytes(of: scales, count: 4 * blocks)
    case .quantized(let codes, let nested, let map, let offset):
      result.absmax = Kernels.bytes(of: codes, count: blocks)
      let groups = Self.nestedBlockCount(blocks)
      result.nested = Serialized.Nested(
        absmax: Tensor(storage: nested, offset: 0, shape: [groups]).array,
        quantMap: Tensor(storage: map, offset: 0, shape: [256]).array, offset: offset)
    }
    return result
  }

  private static func check(_ source: Serialized) throws(FormatError) -> FourBitCode {
    func expect(_ field: String, _ found: String, _ expected: String) throws(FormatError) {
      if found != expected {
        throw FormatError.unsupported(field: field, found: found, expected: expected)
      }
    }
    func expect(_ tensor: String, count found: Int, _ expected: Int) throws(FormatError) {
      if found != expected {
        throw FormatError.count(tensor: tensor, found: found, expected: expected)
      }
    }
    guard let code = FourBitCode(rawValue: source.type) else {
      throw FormatError.unsupported(
        field: "quant_type", found: source.type, expected: "nf4 or fp4")
    }
    try expect("blocksize", "\(source.blockSize)", "\(blockSize)")
    guard source.shape.count == 2, source.shape.allSatisfy({ $0 >= 0 }) else {
      throw FormatError.unsupported(
        field: "shape", found: "\(source.shape)", expected: "two sizes")
    }
    let (elements, overflow) = source.shape[0].multipliedReportingOverflow(by: source.shape[1])
    try expect("weight", count: source.weight.count, overflow ? .max : elements / 2 + elements % 2)
    try expect("quant_map", "\(source.quantMap)", "\(code.values)")
    let blocks = blockCount(elements)
    guard let nested = source.nested else {
      try expect("absmax", count: source.absmax.count, 4 * blocks)
      return code
    }
    try expect("nested_blocksize", "\(nested.blockSize)", "\(nestedBlockSize)")
    try expect("absmax", count: source.absmax.count, blocks)
    try expect("nested_absmax", count: nested.absmax.count, nestedBlockCount(blocks))
    try expect("nested_quant_map", count: nested.quantMap.count, 256)
    return code
  }
}
