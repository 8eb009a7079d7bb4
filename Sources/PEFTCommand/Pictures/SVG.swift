import Foundation

/// Elements of pictures, as they stand in an SVG file or in a page.
enum SVG {
  /// A straight line of a class.
  static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ name: String)
    -> String
  {
    "<line x1=\"\(x1.pixels)\" y1=\"\(y1.pixels)\" x2=\"\(x2.pixels)\" y2=\"\(y2.pixels)\" "
      + "class=\"\(name)\"/>"
  }

  /// A text, escaped, with attributes that are not.
  static func text(_ text: String, _ x: Double, _ y: Double, _ more: String = "") -> String {
    "<text x=\"\(x.pixels)\" y=\"\(y.pixels)\"\(more.isEmpty ? "" : " " + more)>"
      + "\(text.escaped)</text>"
  }

  /// Small circle of a class.
  static func dot(_ x: Double, _ y: Double, radius: Double, _ name: String) -> String {
    "<circle cx=\"\(x.pixels)\" cy=\"\(y.pixels)\" r=\"\(radius.plain)\" class=\"\(name)\"/>"
  }
}

extension Double {
  /// A coordinate with one digit after the point.
  var pixels: String { rounded(digits: 1) }

  /// The shortest text that reads back as this number; a whole number without a point.
  var plain: String { Int(exactly: self).map { "\($0)" } ?? "\(self)" }
}

extension String {
  /// The text as it stands between tags and in attributes; what XML cannot hold is replaced.
  var escaped: String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
