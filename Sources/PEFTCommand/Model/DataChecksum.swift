import Foundation
import PEFTCheckpoints

/// Tells whether the data of a training are still those that it began with.
enum DataChecksum {
  /// A sum over what data consist of.
  ///
  /// - Parameters:
  ///   - path: a file, or a folder of pictures, whose names count as well.
  ///   - task: what the data are for.
  /// - Returns: hexadecimal digits.
  /// - Throws: errors of files that cannot be read.
  /// - Complexity: linear in the bytes of all files.
  static func text(_ path: String, for task: ModelTask?) throws -> String {
    if isFolder(path) { return try sum(of: files(in: path).map { ($0, "\(path)/\($0)") }) }
    guard task == .imageClassification, let labels = ImageClassifierFolder.labelsFile(of: path)
    else { return try FileChecksum(path: path).description }
    return try sum(of: [("images", path), ("labels", labels)])
  }

  private static func sum(of files: [(name: String, path: String)]) throws -> String {
    var hash = WordHash()
    for file in files {
      let sum = try FileChecksum(path: file.path)
      hash.add(file.name)
      hash.add(UInt64(sum.byteCount))
      hash.add(sum.value)
    }
    return WordHash.text(hash.value)
  }

  /// The visible files of a folder, also of folders that links in it lead to, by name.
  private static func files(in folder: String) throws -> [String] {
    let manager = FileManager.default
    var names: [String] = []
    for name in try manager.contentsOfDirectory(atPath: folder) where !name.hasPrefix(".") {
      let place = URL(fileURLWithPath: "\(folder)/\(name)").resolvingSymlinksInPath().path
      guard isFolder(place) else {
        names.append(name)
        continue
      }
      for inner in try manager.subpathsOfDirectory(atPath: place)
      where !inner.split(separator: "/").contains(where: { $0.hasPrefix(".") })
        && !isFolder("\(place)/\(inner)")
      {
        names.append("\(name)/\(inner)")
      }
    }
    return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
