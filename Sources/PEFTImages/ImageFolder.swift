internal import Foundation
public import PEFTTraining

/// A folder with a folder of PNG and JPEG files for every class, named after it.
///
/// Only names are read at first, in the order of their bytes; a picture is decoded when it is asked for.
public struct ImageFolder: ImageSource {
  /// The path of the folder.
  public let path: String
  /// The names of the folders in it.
  public let labels: [String]
  /// How many channels pictures are decoded to: 1 for shades of grey, 3 for colours.
  public let channels: Int
  private let files: [(path: String, label: Int)]

  /// Looks for pictures.
  ///
  /// - Parameters:
  ///   - path: the folder of the classes.
  ///   - channels: 1 for shades of grey, 3 for colours.
  /// - Throws: `DataError` where it cannot be read, or there is no picture in it.
  public init(path: String, channels: Int = 3) throws(DataError) {
    precondition([1, 3].contains(channels), "ImageFolder: \(channels) channels")
    (self.path, self.channels) = (path, channels)
    labels = try Self.names(in: path).filter { Self.isFolder("\(path)/\($0)") }
    var files: [(path: String, label: Int)] = []
    for (number, label) in labels.enumerated() {
      for name in try Self.names(in: "\(path)/\(label)")
      where ImageFile.suffixes.contains(where: { name.lowercased().hasSuffix(".\($0)") }) {
        files.append(("\(path)/\(label)/\(name)", number))
      }
    }
    if files.isEmpty {
      throw .unreadable(
        path: path,
        reason: labels.isEmpty
          ? "there is no folder of a class in it"
          : "there is no file that ends in \(ImageFile.suffixes.joined(separator: ", ")) in "
            + labels.prefix(4).joined(separator: ", "))
    }
    self.files = files
  }

  /// How many pictures there are.
  public var count: Int { files.count }

  /// The path of the picture at a place from 0.
  public func path(at place: Int) -> String { files[place].path }

  /// The picture at a place from 0.
  ///
  /// - Parameter place: its number.
  /// - Returns: the decoded picture.
  /// - Throws: `DataError.unreadable` where the file is no PNG or JPEG, or is damaged.
  public func image(at place: Int) throws(DataError) -> LabelledImage {
    let (path, label) = files[place]
    return try ImageFile.read(path, channels: channels, label: label)
  }

  private static func names(in path: String) throws(DataError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: path)
        .filter { !$0.hasPrefix(".") }
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    } catch {
      throw .unreadable(path: path, reason: error.localizedDescription)
    }
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
