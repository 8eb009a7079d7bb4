public import PEFTTensor

/// Pictures of one size as a model reads them: numbers, scaled and normalised, channel by channel.
public struct PixelBatch: Sendable, Hashable {
  /// `[B, C, height, width]`, one after another.
  public let values: [Float]
  /// B, C, height and width.
  public let shape: [Int]

  /// A batch from its parts.
  public init(_ values: [Float], shape: [Int]) {
    precondition(
      shape.count == 4 && shape.reduce(1, *) == values.count,
      "PixelBatch: \(values.count) values for shape \(shape), expected [B, C, height, width]")
    (self.values, self.shape) = (values, shape)
  }

  /// B.
  public var count: Int { shape[0] }
  /// C.
  public var channels: Int { shape[1] }
  /// How many pixels are one below another.
  public var height: Int { shape[2] }
  /// How many pixels are side by side.
  public var width: Int { shape[3] }
  /// `[B, C, height, width]`; a copy.
  public var tensor: Tensor { Tensor(values, shape: shape) }
}

/// Pictures, each with the class it belongs to.
public struct ImageClassificationBatch: Sendable, Hashable {
  /// What is classified.
  public let pixels: PixelBatch
  /// The class of each picture; `TokenBatch.ignored` where it does not count.
  public let labels: [Int32]

  /// A batch from its parts.
  public init(_ pixels: PixelBatch, labels: [Int32]) {
    precondition(
      labels.count == pixels.count,
      "ImageClassificationBatch: \(labels.count) labels for \(pixels.count) pictures")
    (self.pixels, self.labels) = (pixels, labels)
  }

  /// How many labels count.
  public var targetCount: Int { labels.count { $0 != TokenBatch.ignored } }
  /// How many pictures there are, each of which counts as one token for the measure of speed.
  public var tokenCount: Int { pixels.count }
}
