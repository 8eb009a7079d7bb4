internal import Foundation
internal import PEFTJSON

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension Checkpoint {
  /// Writes tensors into a folder, in several files with an index where one would be too large.
  ///
  /// The files are cut as Transformers cuts them: in the order of `items`, a new file whenever the
  /// next tensor would pass the limit, a tensor above the limit alone in one. The index is written
  /// last, then files of an earlier save that no longer belong to it are removed. Each file is replaced
  /// as a whole, the set of them is not: save into a new folder where a crash must not cost the old
  /// checkpoint.
  ///
  /// - Parameters:
  ///   - items: the tensors.
  ///   - metadata: strings for `__metadata__` of every file.
  ///   - folder: an existing folder.
  ///   - name: what the files are called.
  ///   - maximumShardBytes: the most bytes of tensors in a file; 5 GB as in Transformers.
  /// - Throws: `ioFailure`, `duplicateTensor`, `valueOutOfRange` or `invalidField`.
  public static func write(
    _ items: [SafetensorsFile.Item],
    metadata: [(name: String, value: String)] = [("format", "pt")], folder: String,
    name: String = "model", maximumShardBytes: Int = 5_000_000_000
  ) throws(CheckpointError) {
    precondition(maximumShardBytes > 0, "Checkpoint.write: maximumShardBytes \(maximumShardBytes)")
    let root = folder.utf8.last == UInt8(ascii: "/") ? folder : folder + "/"
    let single = "\(name).safetensors"
    let index = "\(single).index.json"
    var names: Set<ExactName> = []
    for item in items where !names.insert(ExactName(item.name)).inserted {
      throw .duplicateTensor(path: folder, tensor: item.name)
    }
    let shards = split(items, maximumShardBytes)
    if shards.count <= 1 {
      try SafetensorsFile.write(items, metadata: metadata, to: root + single)
      removeShards(root, name, except: [single])
      return
    }
    var files: Set<String> = [index]
    var map: [JSON.Member] = []
    for (number, shard) in shards.enumerated() {
      let file = "\(name)-\(fiveDigits(number + 1))-of-\(fiveDigits(shards.count)).safetensors"
      try SafetensorsFile.write(shard, metadata: metadata, to: root + file)
      files.insert(file)
      map += shard.map { JSON.Member($0.name, .string(file)) }
    }
    let total = items.reduce(0) { $0 + $1.byteCount }
    let json = JSON.object([
      .init("metadata", .object([.init("total_size", .integer(total))])),
      .init("weight_map", .object(map)),
    ])
    try atomicallyWrite(json.sorted.text(.indented) + "\n", to: root + index)
    removeShards(root, name, except: files)
  }

  private static func split(
    _ items: [SafetensorsFile.Item], _ limit: Int
  ) -> [[SafetensorsFile.Item]] {
    var shards: [[SafetensorsFile.Item]] = []
    var shard: [SafetensorsFile.Item] = []
    var size = 0
    for item in items {
      if item.byteCount > limit {
        shards.append([item])
        continue
      }
      if size + item.byteCount > limit {
        shards.append(shard)
        (shard, size) = ([], 0)
      }
      shard.append(item)
      size += item.byteCount
    }
    if !shard.isEmpty { shards.append(shard) }
    return shards
  }

  private static func fiveDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  /// Removes the files of an earlier save: a reader would take them for part of this one.
  private static func removeShards(_ root: String, _ name: String, except kept: Set<String>) {
    let found = (try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []
    for file in found where isFile(file, of: name) && !kept.contains(file) { unlink(root + file) }
  }

  /// Whether a file name is one that `write` gives: `<name>[-00001-of-00002].safetensors[.index.json]`.
  ///
  /// Such files are replaced or removed by the next `write`.
  package static func isFile(_ file: String, of name: String = "model") -> Bool {
    guard file.hasPrefix(name) else { return false }
    let rest = file.dropFirst(name.count)
    if rest == ".safetensors" || rest == ".safetensors.index.json" { return true }
    guard rest.hasSuffix(".safetensors") else { return false }
    let parts = rest.dropLast(".safetensors".count).split(
      separator: "-", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0].isEmpty && parts[2] == "of"
      && [parts[1], parts[3]].allSatisfy { part in
        part.utf8.count >= 5 && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
      }
  }
}
