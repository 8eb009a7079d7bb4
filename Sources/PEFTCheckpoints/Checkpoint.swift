internal import PEFTJSON

/// The tensors of a model or adapter folder, in one safetensors file or in several with an index.
public struct Checkpoint: Sendable {
  /// The folder, or the file where only one was opened.
  public let path: String
  /// The files that hold the tensors.
  public let files: [SafetensorsFile]
  /// The names of all tensors: file by file, in the order of their data.
  public let names: [String]
  private let positions: [ExactName: Int]

  /// Opens `<name>.safetensors`, or the files that `<name>.safetensors.index.json` lists.
  ///
  /// - Parameters:
  ///   - folder: where the files are.
  ///   - name: what they are called: `model` or `adapter_model`.
  /// - Throws: `unsupportedFile` where there is only a pickle, `fileUnreadable` where there is nothing
  ///   or a listed file is missing, `missingTensor` where a file lacks what the index says it has, and
  ///   what is wrong with the index or with a file.
  public init(folder: String, name: String = "model") throws(CheckpointError) {
    let root = folder.utf8.last == UInt8(ascii: "/") ? folder : folder + "/"
    let single = "\(root)\(name).safetensors"
    let index = "\(single).index.json"
    guard !FileMapping.exists(single), FileMapping.exists(index) else {
      if !FileMapping.exists(single) { try Self.refusePickle(root, name) }
      try self.init(path: folder, files: [SafetensorsFile(path: single)], places: [:])
      return
    }
    let places = try Self.places(index)
    var files: [SafetensorsFile] = []
    for file in Set(places.map(\.file)).sorted() {
      files.append(try SafetensorsFile(path: root + file))
    }
    try self.init(
      path: folder, files: files,
      places: Dictionary(
        places.map { (ExactName($0.name), root + $0.file) }, uniquingKeysWith: { first, _ in first }
      ))
  }

  /// Opens one safetensors file, whatever its name.
  ///
  /// - Parameter file: where it is.
  /// - Throws: what is wrong with the file.
  public init(file: String) throws(CheckpointError) {
    try self.init(path: file, files: [SafetensorsFile(path: file)], places: [:])
  }

  // `places` has the path of the file that a name must come from; other names come from whichever
  // file has them.
  private init(
    path: String, files: [SafetensorsFile], places: [ExactName: String]
  ) throws(CheckpointError) {
    var names: [String] = []
    var positions: [ExactName: Int] = [:]
    for (position, file) in files.enumerated() {
      for name in file.names {
        let exact = ExactName(name)
        if let place = places[exact], place != file.path { continue }
        if positions.updateValue(position, forKey: exact) != nil {
          throw .duplicateTensor(path: path, tensor: name)
        }
        names.append(name)
      }
    }
    let missing = places.filter { positions[$0.key] == nil }
    if let (name, file) = missing.min(by: { $0.key < $1.key }) {
      throw .missingTensor(
        path: file, tensor: name.text, nearest: nearestNames(to: name.text, among: names))
    }
    self.path = path
    self.files = files
    self.names = names
    self.positions = positions
  }

  /// What the header says about the tensor whose name has exactly these bytes, or nil.
  public subscript(name: String) -> SafetensorsFile.Entry? {
    positions[ExactName(name)].flatMap { files[$0][name] }
  }

  /// The file that holds a tensor.
  ///
  /// - Throws: `missingTensor` with the names most like it.
  public func file(of name: String) throws(CheckpointError) -> SafetensorsFile {
    if let position = positions[ExactName(name)] { return files[position] }
    throw .missingTensor(path: path, tensor: name, nearest: nearestNames(to: name, among: names))
  }

  private static func refusePickle(
    _ root: String, _ name: String
  ) throws(CheckpointError) {
    let stem = name == "model" ? "pytorch_model" : name
    for pickle in ["\(root)\(stem).bin", "\(root)\(stem).bin.index.json"]
    where FileMapping.exists(pickle) {
      throw .unsupportedFile(
        path: pickle,
        hint: "pickles can run code and are never opened; convert it to \(name).safetensors")
    }
  }

  /// The file of each tensor, as the index says.
  private static func places(
    _ index: String
  ) throws(CheckpointError) -> [(name: String, file: String)] {
    let json = try ConfigurationFile.read(index)
    guard let map = json["weight_map"] else {
      throw .missingField(path: index, field: "weight_map")
    }
    guard let members = map.members else {
      throw .invalidField(
        path: index, field: "weight_map", expected: "an object", found: map.kind)
    }
    if members.isEmpty {
      throw .invalidField(
        path: index, field: "weight_map", expected: "at least one tensor", found: "empty")
    }
    var places: [(name: String, file: String)] = []
    places.reserveCapacity(members.count)
    for member in members {
      let field = "weight_map.\(member.name)"
      guard let file = member.value.string else {
        throw .invalidField(
          path: index, field: field, expected: "a file name", found: member.value.kind)
      }
      let isPlain = !file.utf8.contains { $0 == 0 || $0 == 0x2F || $0 == 0x5C }
      guard isPlain, file.hasSuffix(".safetensors") else {
        throw .invalidField(
          path: index, field: field, expected: "the name of a safetensors file beside the index",
          found: "\"\(file)\"")
      }
      places.append((member.name, file))
    }
    return places
  }
}
