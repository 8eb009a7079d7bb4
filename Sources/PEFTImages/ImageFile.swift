import CPEFTImageCodecs
internal import Foundation
public import PEFTTraining

/// A PNG or JPEG file.
public enum ImageFile {
  /// How the names of such files end, in small letters.
  public static let suffixes = ["png", "jpg", "jpeg"]

  /// Reads and decodes a file; its first bytes tell which kind it is.
  ///
  /// - Parameters:
  ///   - path: the path of the file.
  ///   - channels: 1 for shades of grey, 3 for colours.
  ///   - label: the number of its class.
  /// - Returns: the decoded picture; transparent parts are laid over black.
  /// - Throws: `DataError.unreadable` where it cannot be read, is neither PNG nor JPEG, or is damaged.
  public static func read(
    _ path: String, channels: Int = 3, label: Int = 0
  ) throws(DataError) -> LabelledImage {
    precondition([1, 3].contains(channels), "ImageFile.read: \(channels) channels")
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .unreadable(path: path, reason: "it is missing, or may not be read")
    }
    let bytes = Array(data)
    let isPNG = bytes.starts(with: [0x89, 0x50, 0x4E, 0x47])
    guard isPNG || bytes.starts(with: [0xFF, 0xD8]) else {
      throw .unreadable(path: path, reason: "it is neither a PNG nor a JPEG file")
    }
    let decode = isPNG ? peft_png_decode : peft_jpeg_decode
    var (height, width) = (0, 0)
    var message = [CChar](repeating: 0, count: Int(PEFT_IMAGE_MESSAGE))
    var pixels: [UInt8] = []
    if decode(bytes, bytes.count, channels, nil, &height, &width, &message) == 0 {
      pixels = [UInt8](repeating: 0, count: height * width * channels)
      if decode(bytes, bytes.count, channels, &pixels, &height, &width, &message) == 0 {
        return LabelledImage(
          pixels: pixels, height: height, width: width, channels: channels, label: label)
      }
    }
    let text = message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    throw .unreadable(path: path, reason: String(decoding: text, as: UTF8.self))
  }
}
