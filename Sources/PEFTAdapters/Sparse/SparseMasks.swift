import PEFTTensor

/// Which elements of the weights of some linear layers are trained, by the paths of the layers.
public struct SparseMasks: Sendable, Hashable {
  /// Places in one weight `[M, N]`, in row-major order.
  public struct Places: Sendable, Hashable {
    /// The output of each.
    public var rows: [Int32]
    /// The input of each.
    public var columns: [Int32]

    /// Joins rows and columns, of which there are as many.
    public init(rows: [Int32], columns: [Int32]) { (self.rows, self.columns) = (rows, columns) }

    /// Places by their number in row-major order.
    init(flat: [Int], columns: Int) {
      rows = flat.map { Int32($0 / columns) }
      self.columns = flat.map { Int32($0 % columns) }
    }

    /// How many there are.
    public var count: Int { rows.count }

    /// The same as they lie in a file, `[2, count]`.
    var indices: Indices { Indices(rows + columns, shape: [2, count]) }

    /// Places as they lie in a file; nil for another shape.
    init?(_ indices: Indices) {
      guard indices.shape.count == 2, indices.shape[0] == 2 else { return nil }
      self.init(rows: Array(indices.row(0)), columns: Array(indices.row(1)))
    }
  }

  /// The places in each layer.
  public var places: [String: Places]

  /// Masks of these layers.
  public init(_ places: [String: Places] = [:]) { self.places = places }

  /// How many elements are trained.
  public var count: Int { places.values.reduce(0) { $0 + $1.count } }

  /// The pattern of one layer.
  func pattern(
    at path: String, rows: Int, columns: Int
  ) throws(AdapterError) -> SparsePattern {
    guard let places = places[path] else {
      throw .notAdaptable(module: path, reason: "the masks have no places in it")
    }
    guard
      let pattern = SparsePattern(
        rows: rows, columns: columns, rowIndices: places.rows, columnIndices: places.columns)
    else {
      throw .notAdaptable(
        module: path,
        reason: "the places of its mask are not ascending and different ones of "
          + "[\(rows), \(columns)]")
    }
    return pattern
  }

  /// So many places of a matrix, each with the same chance (Floyd's sampling).
  static func random(
    _ count: Int, rows: Int, columns: Int, _ generator: inout Generator
  ) -> SparsePattern? {
    let all = rows * columns
    var chosen: Set<Int> = []
    for last in (all - count)..<all {
      let place = Int.random(in: 0...last, using: &generator)
      if !chosen.insert(place).inserted { chosen.insert(last) }
    }
    let places = Places(flat: chosen.sorted(), columns: columns)
    return SparsePattern(
      rows: rows, columns: columns, rowIndices: places.rows, columnIndices: places.columns)
  }
}

/// A layer that trains some elements of a weight.
protocol SparseLayer: AdapterLayer {
  /// The places; nil before they are chosen.
  var pattern: SparsePattern? { get }
}

extension Adapter {
  /// The masks of its layers, to start another adapter with; layers whose mask is not chosen yet are left out.
  public var sparseMasks: SparseMasks {
    var masks = SparseMasks()
    for module in modules {
      guard let pattern = (module.layer as? any SparseLayer)?.pattern else { continue }
      masks.places[module.site.path] = .init(
        rows: pattern.rowIndices, columns: pattern.columnIndices)
    }
    return masks
  }
}

extension SparsePattern {
  /// The places as they lie in a file.
  var indices: Indices { Indices(rowIndices + columnIndices, shape: [2, count]) }
}
