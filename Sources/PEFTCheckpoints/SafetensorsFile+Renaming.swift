extension SafetensorsFile {
  /// The same file with other names for its tensors.
  ///
  /// A tensor whose new name another one has keeps its own.
  ///
  /// - Parameter rename: the new name of a name.
  /// - Returns: a view of the same mapping.
  package func renamed(by rename: (String) -> String) -> SafetensorsFile {
    var taken = Set(entries.map { ExactName($0.name) })
    let renamed = entries.map { entry -> Entry in
      let name = rename(entry.name)
      guard taken.insert(ExactName(name)).inserted else { return entry }
      return Entry(
        name: name, dtype: entry.dtype, shape: entry.shape, byteRange: entry.byteRange)
    }
    return SafetensorsFile(path: path, metadata: metadata, entries: renamed, mapping: mapping)
  }
}
