import PEFTTensor

/// How a running moment is kept.
enum MomentFormat {
  case float32
  case eightBit(DynamicMap)

  /// The bytes of each block of memory that so many elements need.
  func byteCounts(_ count: Int) -> [Int] {
    switch self {
    case .float32: [4 * count]
    case .eightBit: [count, 4 * EightBitTensor.blockCount(count)]
    }
  }

  /// Whether a content has this form and so many elements.
  func fits(_ content: OptimizerState.Content, _ count: Int) -> Bool {
    switch (self, content) {
    case (.float32, .floats(let values)): values.count == count
    case (.eightBit, .eightBit(let codes, let scales)):
      codes.count == count && scales.count == EightBitTensor.blockCount(count)
    default: false
    }
  }
}

/// A running moment of a parameter, which kernels change in place.
enum Moment {
  case floats(Tensor)
  case eightBit(EightBitTensor)

  /// Zeros in memory of their own.
  init(zeros shape: [Int], _ format: MomentFormat) {
    switch format {
    case .float32: self = .floats(Tensor(zeros: shape))
    case .eightBit(let map):
      self = .eightBit(EightBitTensor(zeros: shape.reduce(1, *), map: map))
    }
  }

  /// What lies in blocks of memory of the sizes that the format asks for.
  init(_ memory: [Storage], _ shape: [Int], _ format: MomentFormat) {
    switch format {
    case .float32: self = .floats(Tensor(storage: memory[0], offset: 0, shape: shape))
    case .eightBit(let map):
      self = .eightBit(
        EightBitTensor(
          count: shape.reduce(1, *), map: map, codes: memory[0], scales: memory[1]))
    }
  }

  /// A copy of the elements.
  var content: OptimizerState.Content {
    switch self {
    case .floats(let tensor): .floats(tensor.array)
    case .eightBit(let tensor): .eightBit(codes: tensor.codes, scales: tensor.scales)
    }
  }

  /// Takes elements over that fit.
  func set(_ content: OptimizerState.Content) {
    switch (self, content) {
    case (.floats(let tensor), .floats(let values)): tensor.overwrite(with: values)
    case (.eightBit(let tensor), .eightBit(let codes, let scales)):
      tensor.overwrite(codes: codes, scales: scales)
    default: preconditionFailure("Moment: another form")
    }
  }
}
