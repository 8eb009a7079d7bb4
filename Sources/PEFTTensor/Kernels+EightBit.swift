internal import CPEFTKernels

extension Kernels {
  /// Codes of a contiguous tensor in blocks of 256, and the scale of each.
  static func quantizeBlockwise(
    _ source: Tensor, map: DynamicMap, codes: Storage, scales: Storage
  ) {
    let target = codes.bytes
    let scales = scales.floats
    forEachBlock(source.count) { range, block in
      peft_blockwise_quantise(
        source.address + range.lowerBound, range.count, map.address, target + range.lowerBound,
        scales + block)
    }
  }

  static func unpack(_ source: EightBitTensor, to target: Tensor) {
    let codes = source.codeStorage.bytes
    let scales = source.scaleStorage.floats
    forEachBlock(source.count) { range, block in
      peft_blockwise_dequantise(
        codes + range.lowerBound, scales + block, range.count, source.map.address,
        target.address + range.lowerBound)
    }
  }

  static func fill(_ map: Storage, values: [Float], grid: [UInt8]) {
    map.address.copyMemory(from: values, byteCount: 4 * values.count)
    map.address.advanced(by: 4 * values.count).copyMemory(from: grid, byteCount: grid.count)
  }

  /// Runs the body for parts of `0..<count` that start a block, with the number of that block.
  fileprivate static func forEachBlock(_ count: Int, _ body: (Range<Int>, Int) -> Void) {
    let size = EightBitTensor.blockSize
    Parallel.run((count + size - 1) / size, grain: grain / size) { _, blocks in
      body(blocks.lowerBound * size..<min(blocks.upperBound * size, count), blocks.lowerBound)
    }
  }
}

extension OptimizerKernels {
  /// One step of AdamW on `parameter` with moments in eight bits.
  ///
  /// The step is taken with the moments before they are rounded to eight bits again.
  package static func adamW(
    _ parameter: Parameter, gradient: Tensor, first: EightBitTensor, second: EightBitTensor,
    _ settings: AdamW
  ) {
    precondition(
      first.count == parameter.value.count && second.count == parameter.value.count,
      "OptimizerKernels.adamW: \(first.count) and \(second.count) moments for a parameter "
        + "\(parameter.value.shape)")
    parameter.makeValueUnique()
    let (value, gradient) = (parameter.value, gradient.contiguous)
    let (firstCodes, firstScales) = (first.codeStorage.bytes, first.scaleStorage.floats)
    let (secondCodes, secondScales) = (second.codeStorage.bytes, second.scaleStorage.floats)
    Kernels.forEachBlock(value.count) { range, block in
      let start = range.lowerBound
      peft_adamw_8bit(
        value.address + start, gradient.address + start, firstCodes + start, firstScales + block,
        secondCodes + start, secondScales + block, range.count, first.map.address,
        second.map.address, settings.gradientScale, settings.rate, settings.decay, settings.beta1,
        settings.beta2, settings.stepSize, settings.inverseRootCorrection2, settings.epsilon)
    }
  }
}

extension DynamicMap {
  fileprivate var address: UnsafePointer<peft_dynamic_map> {
    UnsafePointer(storage.address.assumingMemoryBound(to: peft_dynamic_map.self))
  }
}
