import Foundation

/// Finds places for the names of points, none of which covers another or a point.
struct LabelPlacement {
  /// An upright rectangle.
  struct Box {
    var x: Double
    var y: Double
    var width: Double
    var height: Double

    /// Whether two rectangles share a point.
    func meets(_ other: Box) -> Bool {
      x < other.x + other.width && other.x < x + width && y < other.y + other.height
        && other.y < y + height
    }

    /// Whether another rectangle lies inside.
    func holds(_ other: Box) -> Bool {
      x <= other.x && y <= other.y && other.x + other.width <= x + width
        && other.y + other.height <= y + height
    }
  }

  /// Where a name stands.
  struct Label {
    /// What the text takes.
    var box: Box
    /// The side of the text at the point: -1 for its beginning, 1 for its end, 0 for its middle.
    var side: Int
    /// Where a line to the point begins; nil where the name is so near that it needs none.
    var line: (x: Double, y: Double)?
  }

  private let frame: Box
  /// What neither names nor lines to them may cover.
  private var taken: [Box]
  /// What names may not cover; lines may cross it where nothing else is left.
  private var crossed: [Box]
  /// The names that have a place.
  private var names: [Box] = []

  /// Names will stand inside the frame and outside of what is taken; lines to them cross what can be crossed only at need.
  init(frame: Box, taken: [Box], crossed: [Box]) {
    (self.frame, self.taken, self.crossed) = (frame, taken, crossed)
  }

  /// The nearest free place for a name of a size beside a point.
  ///
  /// - Returns: the place, which is taken from now on; nil where the frame is full.
  mutating func place(
    _ point: (x: Double, y: Double), width: Double, height: Double
  ) -> Label? {
    place(point, width: width, height: height, avoiding: taken + crossed)
      ?? place(point, width: width, height: height, avoiding: taken)
      ?? place(point, width: width, height: height, avoiding: names)
      ?? place(point, width: width, height: height, avoiding: [])
  }

  /// The same with a line to the point that covers nothing of what it avoids.
  private mutating func place(
    _ point: (x: Double, y: Double), width: Double, height: Double, avoiding: [Box]
  ) -> Label? {
    for distance in stride(from: 9.0, through: 400, by: 7) {
      for turn in Self.turns {
        let (dx, dy) = (cos(turn), -sin(turn))
        let (x, y) = (point.x + distance * dx, point.y + distance * dy)
        // The side of the text that faces the point is at the distance.
        let side = abs(dx) < 0.3 ? 0 : dx > 0 ? -1 : 1
        let left = x - width * Double(1 + side) / 2
        let top = side == 0 ? (dy > 0 ? y : y - height) : y - height / 2
        let box = Box(x: left, y: top, width: width, height: height)
        let line = distance > 20 ? Self.between(point, box) : nil
        let steps = line.map { Self.steps(point, $0) } ?? []
        guard frame.holds(box), !(taken + crossed).contains(where: box.meets),
          !steps.contains(where: { step in avoiding.contains(where: step.meets) })
        else { continue }
        taken.append(box)
        names.append(box)
        crossed += steps
        return Label(box: box, side: side, line: line)
      }
    }
    return nil
  }

  /// To the right first, then to the left, up, down, and between.
  private static let turns = [0.0, 8, 4, 12, 2, 14, 6, 10, 1, 15, 7, 9, 3, 5, 11, 13]
    .map { $0 * Double.pi / 8 }

  /// The point of a rectangle that is nearest to a point.
  private static func between(_ point: (x: Double, y: Double), _ box: Box) -> (x: Double, y: Double)
  {
    (
      min(max(point.x, box.x), box.x + box.width), min(max(point.y, box.y), box.y + box.height)
    )
  }

  /// A line as small rectangles, without its beginning at the point.
  private static func steps(
    _ point: (x: Double, y: Double), _ end: (x: Double, y: Double)
  ) -> [Box] {
    let length = hypot(end.x - point.x, end.y - point.y)
    return stride(from: 9.0, to: length - 2, by: 3).map {
      let share = $0 / length
      return Box(
        x: point.x + share * (end.x - point.x) - 1, y: point.y + share * (end.y - point.y) - 1,
        width: 2, height: 2)
    }
  }
}
