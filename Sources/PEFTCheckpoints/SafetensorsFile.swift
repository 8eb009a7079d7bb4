/// A safetensors file, mapped into memory.
///
/// Opening reads the header only and checks all of it. Tensors are read as they are asked for.
///
/// A value may be shared between tasks. Tensors that show the mapping keep it alive.
public struct SafetensorsFile: Sendable {
  /// What the header says about one tensor.
  public struct Entry: Sendable, Hashable {
    /// The name.
    public let name: String
    /// The type of the elements.
    public let dtype: DType
    /// The size of every axis; empty for a scalar.
    public let shape: [Int]
    /// Where the elements lie, in bytes from the start of the file.
    public let byteRange: Range<Int>
  }

  /// The path the file was opened with.
  public let path: String
  /// The strings in `__metadata__`, in the order of the file.
  public let metadata: [(name: String, value: String)]
  /// What the header says about the tensors, in the order of their data.
  public let entries: [Entry]
  let mapping: FileMapping
  private let positions: [ExactName: Int]

  /// Opens a file and checks its header.
  ///
  /// - Parameter path: where the file is.
  /// - Throws: `fileUnreadable`, `invalidHeader`, or `unsupportedFile` for a pickle.
  public init(path: String) throws(CheckpointError) {
    let mapping = try FileMapping(path: path)
    let header = try SafetensorsHeader(mapping)
    self.init(path: path, metadata: header.metadata, entries: header.entries, mapping: mapping)
  }

  /// A file from its parts; no name stands twice.
  init(
    path: String, metadata: [(name: String, value: String)], entries: [Entry], mapping: FileMapping
  ) {
    (self.path, self.metadata, self.entries, self.mapping) = (path, metadata, entries, mapping)
    positions = Dictionary(
      uniqueKeysWithValues: entries.enumerated().map { (ExactName($1.name), $0) })
  }

  /// The names of the tensors, in the order of their data.
  public var names: [String] { entries.map(\.name) }

  /// What the header says about the tensor whose name has exactly these bytes, or nil.
  public subscript(name: String) -> Entry? { positions[ExactName(name)].map { entries[$0] } }
}
