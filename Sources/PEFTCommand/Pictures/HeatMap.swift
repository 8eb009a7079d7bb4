/// Whole numbers of the modules of a model: a row for each kind of module, a column for each layer.
struct HeatMap {
  /// The names of the rows.
  let kinds: [String]
  /// The numbers of the columns; nil for modules outside of layers.
  let layers: [Int?]
  private let values: [String: [Int?: Int]]

  private static let (width, labelWidth, rowHeight) = (400.0, 108.0, 22.0)

  /// A map of values by path.
  init(_ entries: [(path: String, value: Int)]) {
    var values: [String: [Int?: Int]] = [:]
    var kinds: [String] = []
    for entry in entries {
      let (kind, layer) = Self.place(entry.path)
      if values[kind] == nil { kinds.append(kind) }
      values[kind, default: [:]][layer] = entry.value
    }
    (self.kinds, self.values) = (kinds, values)
    layers = Set(values.values.flatMap(\.keys)).sorted { $0 ?? .max < $1 ?? .max }
  }

  /// The kind of a module and the number of its layer, the first number in its path.
  static func place(_ path: String) -> (kind: String, layer: Int?) {
    let parts = path.split(separator: ".").map(String.init)
    guard let index = parts.firstIndex(where: { Int($0) != nil }) else { return (path, nil) }
    return (parts[(index + 1)...].joined(separator: "."), Int(parts[index]))
  }

  /// The picture as an element of a page; nil where there is nothing to draw.
  var svg: String? {
    guard !kinds.isEmpty, let largest = values.values.flatMap(\.values).max() else { return nil }
    let cell = (Self.width - Self.labelWidth) / Double(layers.count)
    let height = Self.rowHeight * Double(kinds.count) + 34
    // Every number where there is room, else every so many.
    let stride = max(1, Int((20 / cell).rounded(.up)))
    var lines = [
      "<svg viewBox=\"0 0 \(Self.width.plain) \(height.pixels)\" role=\"img\" "
        + "xmlns=\"http://www.w3.org/2000/svg\"><title>Ranks by layer</title>"
    ]
    for (row, kind) in kinds.enumerated() {
      let y = Self.rowHeight * Double(row)
      let name = kind.count > 18 ? "…" + kind.suffix(17) : kind
      lines.append(SVG.text(name, Self.labelWidth - 6, y + 15, "class=\"tick end\""))
      for (column, layer) in layers.enumerated() {
        guard let value = values[kind]?[layer] else { continue }
        let x = Self.labelWidth + cell * Double(column)
        let share = largest > 0 ? Double(value) / Double(largest) : 0
        lines.append(
          "<rect x=\"\((x + 0.5).pixels)\" y=\"\((y + 0.5).pixels)\" width=\"\((cell - 1).pixels)\" "
            + "height=\"\((Self.rowHeight - 1).pixels)\" class=\"cell\" "
            + "fill-opacity=\"\((0.06 + 0.94 * share).rounded(digits: 2))\"><title>"
            + "\(kind.escaped) \(layer.map { "\($0)" } ?? ""): \(value)</title></rect>")
        if cell >= 15 {
          lines.append(
            SVG.text(
              "\(value)", x + cell / 2, y + 15,
              "class=\"tick middle \(share > 0.5 ? "over" : "value")\""))
        }
      }
    }
    let bottom = Self.rowHeight * Double(kinds.count)
    for (column, layer) in layers.enumerated() where column % stride == 0 {
      lines.append(
        SVG.text(
          layer.map { "\($0)" } ?? "–", Self.labelWidth + cell * (Double(column) + 0.5),
          bottom + 14, "class=\"tick middle\""))
    }
    lines.append(
      SVG.text("layer", (Self.labelWidth + Self.width) / 2, bottom + 29, "class=\"tick middle\""))
    return (lines + ["</svg>"]).joined(separator: "\n")
  }
}
