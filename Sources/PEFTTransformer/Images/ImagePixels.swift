/// A decoded picture: rows of pixels from the top, each with its channels one after another.
public struct ImagePixels: Sendable, Hashable {
  /// How many pixels are one below another.
  public let height: Int
  /// How many pixels are side by side.
  public let width: Int
  /// 1 for shades of grey, 3 for red, green and blue.
  public let channels: Int
  /// `[height, width, channels]`.
  public let bytes: [UInt8]

  /// A picture from its parts, of which none is empty.
  public init(_ bytes: [UInt8], height: Int, width: Int, channels: Int = 3) {
    precondition(
      height > 0 && width > 0 && channels > 0 && bytes.count == height * width * channels,
      "ImagePixels: \(bytes.count) bytes for \(height) x \(width) x \(channels)")
    (self.bytes, self.height, self.width, self.channels) = (bytes, height, width, channels)
  }

  /// A grey picture with its shade in three channels.
  var tripled: ImagePixels {
    precondition(channels == 1, "ImagePixels.tripled: \(channels) channels")
    return ImagePixels(
      bytes.flatMap { [$0, $0, $0] }, height: height, width: width, channels: 3)
  }
}
