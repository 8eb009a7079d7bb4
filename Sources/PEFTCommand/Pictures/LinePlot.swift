import Foundation

/// Curves over the steps of a training, as a picture that fits a phone.
struct LinePlot {
  /// A curve.
  struct Series {
    /// What it shows.
    let name: String
    /// The number of its colour, from 1.
    let color: Int
    /// What it goes through.
    let points: [(x: Double, y: Double)]
    /// Whether it stands back, as single values behind their mean.
    var isFaint = false
    /// Whether its points are marked.
    var isMarked = false
  }

  /// How many points of a curve are drawn at most.
  static let pointLimit = 2000
  private static let (width, height) = (400.0, 220.0)
  private static let (left, right, top, bottom) = (50.0, 390.0, 8.0, 182.0)

  /// What it shows.
  let title: String
  /// What stands under the horizontal axis.
  var across = "step"
  /// The curves; what is not finite is left out.
  let series: [Series]
  /// Whether equal ratios are equally far from each other upwards.
  var isLogarithmic = false

  /// The picture as an element of a page; nil where there is nothing to draw.
  var svg: String? {
    let curves = series.map { series in
      (
        series,
        Self.thinned(
          series.points.filter {
            $0.x.isFinite && $0.y.isFinite
              && (!isLogarithmic || $0.y > 0)
          })
      )
    }.filter { !$0.1.isEmpty }
    if curves.isEmpty { return nil }
    let all = curves.flatMap { $0.1 }
    let horizontal = PictureAxis(
      all.map(\.x), pixels: (Self.left, Self.right), isLogarithmic: false)
    let vertical = PictureAxis(
      all.map(\.y), pixels: (Self.bottom, Self.top), isLogarithmic: isLogarithmic)
    var lines = [
      "<svg viewBox=\"0 0 \(Self.width.plain) \(Self.height.plain)\" role=\"img\" "
        + "xmlns=\"http://www.w3.org/2000/svg\"><title>\(title.escaped)</title>"
    ]
    for tick in horizontal.ticks where tick.value == tick.value.rounded() {
      let x = horizontal.place(tick.value)
      lines.append(SVG.line(x, Self.top, x, Self.bottom, "grid"))
      lines.append(SVG.text(tick.text, x, Self.bottom + 15, "class=\"tick middle\""))
    }
    for tick in vertical.ticks {
      let y = vertical.place(tick.value)
      lines.append(SVG.line(Self.left, y, Self.right, y, "grid"))
      lines.append(SVG.text(tick.text, Self.left - 6, y + 4, "class=\"tick end\""))
    }
    lines.append(
      SVG.text(across, (Self.left + Self.right) / 2, Self.height - 6, "class=\"tick middle\""))
    for (series, points) in curves {
      lines.append(Self.curve(series, points, horizontal, vertical))
    }
    return (lines + ["</svg>"]).joined(separator: "\n")
  }

  /// Every so many points of a long curve, and the last.
  static func thinned<Point>(_ points: [Point]) -> [Point] {
    let step = (points.count + pointLimit - 1) / pointLimit
    guard step > 1, let last = points.last else { return points }
    let chosen = Swift.stride(from: 0, to: points.count - 1, by: step).map { points[$0] }
    return chosen + [last]
  }

  /// The numbers stand beside the places, for whoever reads the page by a program.
  private static func curve(
    _ series: Series, _ points: [(x: Double, y: Double)], _ horizontal: PictureAxis,
    _ vertical: PictureAxis
  ) -> String {
    let places: [(x: Double, y: Double)] = points.map {
      (horizontal.place($0.x), vertical.place($0.y))
    }
    let list = places.map { "\($0.x.pixels),\($0.y.pixels)" }.joined(separator: " ")
    let across = points.map { $0.x.plain }.joined(separator: " ")
    let upward = points.map { $0.y.plain }.joined(separator: " ")
    let kind = "curve c\(series.color)" + (series.isFaint ? " faint" : "")
    var result = "<polyline class=\"\(kind)\" data-name=\"\(series.name.escaped)\" "
    result += "data-x=\"\(across)\" data-y=\"\(upward)\" points=\"\(list)\"/>"
    if series.isMarked || points.count == 1 {
      result += places.map { SVG.dot($0.x, $0.y, radius: 3, "mark m\(series.color)") }.joined()
    }
    return result
  }
}
