import Foundation

/// A date as Python's `strftime` writes it, in English.
struct DateText {
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
  private static let days = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]
  private let parts: DateComponents
  private let dayOfYear: Int

  /// A date in the current time zone.
  init(_ date: Date) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = .current
    parts = calendar.dateComponents(
      [.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
    dayOfYear = calendar.ordinality(of: .day, in: .year, for: date) ?? 0
  }

  /// The date in a format, nil for a format that is not known.
  func text(format: String) -> String? {
    var output = ""
    var scalars = format.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      if scalar != "%" {
        output.unicodeScalars.append(scalar)
        continue
      }
      var code = scalars.next()
      let isPlain = code == "-"
      if isPlain { code = scalars.next() }
      guard let code, let text = field(code, width: isPlain ? 1 : 2) else { return nil }
      output += text
    }
    return output
  }

  private func field(_ code: Unicode.Scalar, width: Int) -> String? {
    func padded(_ value: Int?, _ width: Int) -> String {
      let digits = String(value ?? 0)
      return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }
    let month = Self.months[((parts.month ?? 1) - 1) % 12]
    let day = Self.days[((parts.weekday ?? 1) - 1) % 7]
    let hour = parts.hour ?? 0
    switch code {
    case "Y": return String(parts.year ?? 0)
    case "y": return padded((parts.year ?? 0) % 100, 2)
    case "m": return padded(parts.month, width)
    case "B": return month
    case "b", "h": return String(month.prefix(3))
    case "d": return padded(parts.day, width)
    case "A": return day
    case "a": return String(day.prefix(3))
    case "H": return padded(hour, width)
    case "I": return padded((hour + 11) % 12 + 1, width)
    case "M": return padded(parts.minute, width)
    case "S": return padded(parts.second, width)
    case "p": return hour < 12 ? "AM" : "PM"
    case "j": return padded(dayOfYear, width == 1 ? 1 : 3)
    case "F":
      return "\(parts.year ?? 0)-\(padded(parts.month, 2))-\(padded(parts.day, 2))"
    case "T": return "\(padded(hour, 2)):\(padded(parts.minute, 2)):\(padded(parts.second, 2))"
    case "%": return "%"
    default: return nil
    }
  }
}
