import Foundation

/// The held-out loss of methods against the time of a step, as a picture.
///
/// A point is the mean over the seeds, the line through it goes from the least to the largest.
struct ComparisonPicture {
  /// What a picture shows of a method.
  private struct Point {
    var name: String
    var x: Double
    var y: Double
    var least: Double
    var largest: Double
    var isMergeable: Bool
  }

  private static let (width, height) = (960.0, 860.0)
  private static let frame = LabelPlacement.Box(x: 76, y: 84, width: 860, height: 710)
  /// The colours, for a light page and for a dark one.
  private static let styles = [
    style(page: "#ffffff", ink: "#1b1f24", soft: "#57606a", grid: "#d8dee4", mark: "#0b62c4"),
    "@media (prefers-color-scheme: dark) {",
    style(page: "#0d1117", ink: "#e6edf3", soft: "#9198a1", grid: "#2a3139", mark: "#6cb6ff"),
    "}",
  ]

  private let points: [Point]
  private let missing: [String]
  private let subtitle: String

  /// A picture of the methods that have figures, with a line that says what they did.
  init(_ outcomes: [MethodOutcome], subtitle: String) {
    self.subtitle = subtitle
    points = outcomes.compactMap { outcome in
      guard let loss = outcome.loss, loss > 0, let step = outcome.leastStepSeconds else {
        return nil
      }
      return Point(
        name: outcome.method.title, x: 1000 * step, y: loss, least: outcome.losses.min() ?? loss,
        largest: outcome.losses.max() ?? loss, isMergeable: outcome.isMergeable)
    }
    missing = outcomes.filter { $0.loss == nil }.map(\.method.title)
  }

  /// The picture as an SVG file that needs nothing else.
  var svg: String {
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Self.width.pixels) "
        + "\(Self.height.pixels)\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">",
      "<title>Held-out loss against time a step</title>",
      "<style>",
    ]
    lines += Self.styles
    lines += [
      "</style>",
      "<rect width=\"100%\" height=\"100%\" class=\"page\"/>",
      SVG.text(
        "Methods at about equal trained parameters", 24, 30, "font-size=\"18\" font-weight=\"bold\""
      ),
      SVG.text(subtitle, 24, 50, "class=\"soft\""),
    ]
    lines += legend
    if points.isEmpty {
      lines.append(SVG.text("No method has figures.", Self.frame.x, Self.frame.y + 20))
    } else {
      lines += plot
    }
    if !missing.isEmpty {
      lines.append(
        SVG.text("Without figures: \(missing.joined(separator: ", "))", 24, 850, "class=\"soft\""))
    }
    return (lines + ["</svg>", ""]).joined(separator: "\n")
  }

  private var plot: [String] {
    let frame = Self.frame
    let bottom = frame.y + frame.height
    let across = PictureAxis(
      points.map(\.x), pixels: (frame.x, frame.x + frame.width), isLogarithmic: true)
    let upward = PictureAxis(
      points.flatMap { [$0.least, $0.largest] }.filter { $0 > 0 }, pixels: (bottom, frame.y),
      isLogarithmic: true)
    var lines: [String] = []
    for tick in across.ticks {
      let x = across.place(tick.value)
      lines.append(SVG.line(x, frame.y, x, bottom, "grid"))
      lines.append(SVG.text(tick.text, x, bottom + 18, "text-anchor=\"middle\""))
    }
    for tick in upward.ticks {
      let y = upward.place(tick.value)
      lines.append(SVG.line(frame.x, y, frame.x + frame.width, y, "grid"))
      lines.append(SVG.text(tick.text, frame.x - 8, y + 4, "text-anchor=\"end\""))
    }
    lines.append(
      SVG.text(
        "milliseconds a step", frame.x + frame.width / 2, bottom + 38, "text-anchor=\"middle\""))
    lines.append(
      "<text transform=\"translate(20 \((frame.y + frame.height / 2).pixels)) rotate(-90)\" "
        + "text-anchor=\"middle\">held-out loss, nats a token</text>")
    let places = points.map { (x: across.place($0.x), y: upward.place($0.y)) }
    let spreads = points.map { (from: upward.place($0.least), to: upward.place($0.largest)) }
    for (place, spread) in zip(places, spreads) {
      lines.append(SVG.line(place.x, spread.from, place.x, spread.to, "spread"))
    }
    for (place, point) in zip(places, points) {
      lines.append(SVG.dot(place.x, place.y, radius: 5, Self.dotClass(point.isMergeable)))
    }
    return lines + labels(places, spreads)
  }

  /// The names, beside their points where there is room, else at the end of a line.
  private func labels(
    _ places: [(x: Double, y: Double)], _ spreads: [(from: Double, to: Double)]
  ) -> [String] {
    var placement = LabelPlacement(
      frame: Self.frame,
      taken: places.map { .init(x: $0.x - 7, y: $0.y - 7, width: 14, height: 14) },
      crossed: zip(places, spreads).map { place, spread in
        .init(x: place.x - 2, y: spread.to - 1, width: 4, height: spread.from - spread.to + 2)
      })
    // Points with many neighbours have the fewest free places, so they choose first.
    let neighbours = places.map { place in
      places.count { abs($0.x - place.x) < 90 && abs($0.y - place.y) < 40 }
    }
    let order = points.indices.sorted { (neighbours[$1], $0) < (neighbours[$0], $1) }
    return order.flatMap { index -> [String] in
      let name = points[index].name
      guard
        let label = placement.place(
          places[index], width: 7.2 * Double(name.count) + 6, height: 15)
      else { return [] }
      let from = places[index]
      let pointer = label.line.map { [SVG.line(from.x, from.y, $0.x, $0.y, "pointer")] } ?? []
      let anchor = ["start", "middle", "end"][label.side + 1]
      let x = label.box.x + label.box.width * Double(1 + label.side) / 2
      return pointer + [
        SVG.text(name, x, label.box.y + 12, "text-anchor=\"\(anchor)\" class=\"name\"")
      ]
    }
  }

  private var legend: [String] {
    [
      SVG.dot(30, 68, radius: 5, Self.dotClass(true)),
      SVG.text("can be merged into its base", 42, 72),
      SVG.dot(230, 68, radius: 5, Self.dotClass(false)),
      SVG.text("cannot, or has nothing to merge", 242, 72),
      SVG.text("the line through a point: least to largest of the seeds", 460, 72),
    ]
  }

  private static func style(
    page: String, ink: String, soft: String, grid: String, mark: String
  ) -> String {
    [
      "text { fill: \(ink); }", ".page { fill: \(page); }", ".soft { fill: \(soft); }",
      ".grid { stroke: \(grid); }", ".spread { stroke: \(mark); }", ".pointer { stroke: \(soft); }",
      ".can { fill: \(mark); stroke: \(mark); stroke-width: 1.5px; }",
      ".cannot { fill: \(page); stroke: \(mark); stroke-width: 1.5px; }",
      // The edge keeps the lines of the grid out of the letters.
      ".name { paint-order: stroke; stroke: \(page); stroke-width: 4px; }",
    ].joined(separator: "\n")
  }

  private static func dotClass(_ isFilled: Bool) -> String { isFilled ? "can" : "cannot" }
}
