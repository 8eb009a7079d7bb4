/// Makes of decoded pictures what a model reads: one size, numbers in place of bytes, mean and deviation of the training.
///
/// The numbers are, to the bit, those of Transformers' `ViTImageProcessor` with Pillow 13. Its variant with torchvision rounds otherwise:
/// with the usual filter, bilinear, some bytes of the resized picture are one off there.
public struct ImageProcessor: Sendable, Hashable {
  /// A number of pixels one below another and side by side.
  public struct Size: Sendable, Hashable {
    /// One below another.
    public var height: Int
    /// Side by side.
    public var width: Int

    /// A size from its parts.
    public init(height: Int, width: Int) { (self.height, self.width) = (height, width) }
  }

  /// The size that pictures get; nil to leave them as they are.
  public var size: Size?
  /// How they get it.
  public var resampling = ImageResampling.bilinear
  /// What bytes are multiplied by; nil to leave them as they are.
  public var factor: Double? = 1 / 255.0
  /// What is subtracted then, and what is divided by, for every channel; nil to leave the numbers as they are.
  public var normalization: Normalization? = Normalization(
    mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5])
  /// Whether a picture in shades of grey gets three channels.
  public var convertsToRGB = false

  /// Mean and deviation of every channel.
  public struct Normalization: Sendable, Hashable {
    /// Is subtracted.
    public var mean: [Double]
    /// Divides the difference.
    public var deviation: [Double]

    /// As many means as deviations.
    public init(mean: [Double], deviation: [Double]) {
      precondition(
        mean.count == deviation.count && !mean.isEmpty,
        "ImageProcessor.Normalization: \(mean.count) means, \(deviation.count) deviations")
      (self.mean, self.deviation) = (mean, deviation)
    }
  }

  /// The usual settings of ViT, for numbers from -1 to 1; all of them can be changed afterwards.
  public init(size: Size? = Size(height: 224, width: 224)) { self.size = size }

  /// The numbers of some pictures.
  ///
  /// - Parameter images: at least one; where there is no `size`, all of one.
  /// - Returns: a batch for a model.
  /// - Throws: `ModelError` for no pictures, for other channels than there are means, and for sizes that differ.
  /// - Complexity: linear in the pixels before and after, times the reach of the filter.
  public func callAsFunction(_ images: [ImagePixels]) throws(ModelError) -> PixelBatch {
    var (values, shape): ([Float], [Int]) = ([], [])
    for (row, image) in images.enumerated() {
      let image = try prepared(image, row)
      if row == 0 {
        shape = [images.count, image.channels, image.height, image.width]
        values.reserveCapacity(shape.reduce(1, *))
      }
      guard [image.height, image.width] == Array(shape[2...]) else {
        throw .wrongImageSize(
          row: row, height: image.height, width: image.width, expected: Array(shape[2...]),
          interpolates: nil)
      }
      guard image.channels == shape[1] else {
        throw .wrongImageChannels(row: row, channels: image.channels, expected: shape[1])
      }
      let table = table(channels: image.channels)
      for channel in 0..<image.channels {
        for place in stride(from: channel, to: image.bytes.count, by: image.channels) {
          values.append(table[channel][Int(image.bytes[place])])
        }
      }
    }
    if images.isEmpty { throw .noImages }
    return PixelBatch(values, shape: shape)
  }

  /// The picture with the channels and the size that are wanted.
  private func prepared(_ image: ImagePixels, _ row: Int) throws(ModelError) -> ImagePixels {
    let image = convertsToRGB && image.channels == 1 ? image.tripled : image
    if let normalization, normalization.mean.count != image.channels {
      throw .wrongImageChannels(
        row: row, channels: image.channels, expected: normalization.mean.count)
    }
    guard let size else { return image }
    return image.resized(height: size.height, width: size.width, resampling)
  }

  /// What every byte becomes, for every channel: each step in single precision, as in Transformers.
  private func table(channels: Int) -> [[Float]] {
    (0..<channels).map { channel in
      (0...255).map { byte in
        let value = factor.map { Float(Double(byte) * $0) } ?? Float(byte)
        guard let normalization else { return value }
        return (value - Float(normalization.mean[channel]))
          / Float(normalization.deviation[channel])
      }
    }
  }
}
