public import PEFTTensor

extension TransformerConfiguration {
  /// The pictures that a model reads, and how it cuts them.
  public struct Images: Sendable, Hashable {
    /// How many pixels are one below another.
    public var height: Int
    /// How many pixels are side by side.
    public var width: Int
    /// How many pixels a patch is high; divides the height.
    public var patchHeight: Int
    /// How many pixels a patch is wide; divides the width.
    public var patchWidth: Int
    /// C.
    public var channels: Int
    /// How many numbers the pooler gives.
    public var poolerWidth: Int
    /// What follows the map of the pooler.
    public var poolerActivation: Activation

    /// How many patches are one below another, and side by side.
    public var grid: (down: Int, across: Int) { (height / patchHeight, width / patchWidth) }
    /// How many patches there are.
    public var patches: Int { grid.down * grid.across }
  }

  /// A ViT with the usual settings, and without dropout; all of them can be changed afterwards.
  ///
  /// - Parameters:
  ///   - imageSize: the side of pictures, in pixels.
  ///   - patchSize: the side of patches, which divides `imageSize`.
  ///   - channels: C.
  ///   - width: D, a multiple of `heads`.
  ///   - layers: the number of blocks.
  ///   - heads: H.
  ///   - labels: what the classes are called.
  /// - Returns: a configuration whose feed-forward width is 4 D.
  public static func vit(
    imageSize: Int, patchSize: Int, channels: Int = 3, width: Int, layers: Int, heads: Int,
    labels: [String] = ["LABEL_0", "LABEL_1"]
  ) -> TransformerConfiguration {
    precondition(
      imageSize % patchSize == 0, "vit: pictures of \(imageSize) in patches of \(patchSize)")
    let images = Images(
      height: imageSize, width: imageSize, patchHeight: patchSize, patchWidth: patchSize,
      channels: channels, poolerWidth: width, poolerActivation: .tanh)
    var configuration = ViT.configuration(
      images, width: width, layers: layers, heads: heads, feedForwardWidth: 4 * width)
    configuration.labels = labels
    return configuration
  }
}

extension TransformerConfiguration {
  /// Whether a model can take these pictures.
  ///
  /// - Throws: `ModelError` for the first thing that is wrong.
  func check(_ pixels: PixelBatch, interpolates: Bool) throws(ModelError) {
    guard let images else { preconditionFailure("\(modelType): reads no pictures") }
    if pixels.count == 0 { throw .noImages }
    guard pixels.channels == images.channels else {
      throw .wrongImageChannels(row: 0, channels: pixels.channels, expected: images.channels)
    }
    let (height, width) = (pixels.height, pixels.width)
    if !interpolates, height != images.height || width != images.width {
      throw .wrongImageSize(
        row: 0, height: height, width: width, expected: [images.height, images.width],
        interpolates: false)
    }
    guard height > 0, width > 0, height % images.patchHeight == 0, width % images.patchWidth == 0
    else {
      throw .wrongImageSize(
        row: 0, height: height, width: width, expected: [images.patchHeight, images.patchWidth],
        interpolates: true)
    }
  }

  /// A fixed picture, `[1, C, height, width]`, of numbers from -1 to 1.
  var probePixels: PixelBatch {
    guard let images else { preconditionFailure("\(modelType): reads no pictures") }
    let shape = [1, images.channels, images.height, images.width]
    return PixelBatch(
      (0..<shape.reduce(1, *)).map { Float(($0 * 7919 + 1) % 255) / 127 - 1 }, shape: shape)
  }
}
