/// A picture with its class.
public struct LabelledImage: Sendable, Hashable {
  /// Rows of pixels from the top, each with its channels one after another.
  public var pixels: [UInt8]
  /// How many pixels are one below another.
  public var height: Int
  /// How many pixels are side by side.
  public var width: Int
  /// 1 for shades of grey, 3 for red, green and blue.
  public var channels: Int
  /// The number of the class.
  public var label: Int

  /// A picture from its parts.
  public init(pixels: [UInt8], height: Int, width: Int, channels: Int, label: Int) {
    precondition(
      pixels.count == height * width * channels,
      "LabelledImage: \(pixels.count) bytes for \(height) x \(width) x \(channels)")
    (self.pixels, self.height, self.width) = (pixels, height, width)
    (self.channels, self.label) = (channels, label)
  }
}

/// Pictures with their classes, each of which is read when it is asked for.
public protocol ImageSource: Sendable {
  /// What the classes are called.
  var labels: [String] { get }
  /// How many pictures there are.
  var count: Int { get }
  /// Where they are, for messages.
  var path: String { get }

  /// Where the picture at a place from 0 is, for messages.
  func path(at place: Int) -> String
  /// The picture at a place from 0.
  func image(at place: Int) throws(DataError) -> LabelledImage
}

/// Two IDX files: pictures in shades of grey, `[N, H, W]`, and their classes, `[N]`.
public struct IDXImages: ImageSource {
  /// What the classes are called: their numbers, from 0 to the largest.
  public let labels: [String]
  private let images: IDXFile
  private let classes: [UInt8]

  /// Opens both files, and reads the classes.
  ///
  /// - Parameters:
  ///   - images: the path of the pictures, `train-images-idx3-ubyte` and the like.
  ///   - labels: the path of the classes, `train-labels-idx1-ubyte` and the like.
  /// - Throws: `DataError` where one of them is not such a file, or they differ in length.
  public init(images: String, labels: String) throws(DataError) {
    self.images = try IDXFile(path: images)
    let file = try IDXFile(path: labels)
    guard self.images.shape.count == 3, self.images.count > 0 else {
      throw .invalidFile(
        path: images, line: 1, expected: "pictures: rows of height and width",
        found: "the shape \(self.images.shape)")
    }
    guard file.shape == [self.images.count] else {
      throw .invalidFile(
        path: labels, line: 1, expected: "a class for each of \(self.images.count) pictures",
        found: "the shape \(file.shape)")
    }
    classes = try file.rows(0..<file.count)
    self.labels = (0...Int(classes.max() ?? 0)).map { "\($0)" }
  }

  /// How many pictures there are.
  public var count: Int { images.count }
  /// The path of the pictures.
  public var path: String { images.path }

  /// The path of the pictures.
  public func path(at place: Int) -> String { path }

  /// The picture at a place from 0.
  ///
  /// - Parameter place: its number.
  /// - Returns: a picture with one channel.
  /// - Throws: `DataError.unreadable` where the file was changed since.
  public func image(at place: Int) throws(DataError) -> LabelledImage {
    LabelledImage(
      pixels: try images.rows(place..<place + 1), height: images.shape[1],
      width: images.shape[2], channels: 1, label: Int(classes[place]))
  }
}
