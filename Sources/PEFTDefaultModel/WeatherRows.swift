internal import PEFTTensor

/// Makes rows of a weather report, `data => sentence`: the text to which the demo adapts the model.
///
/// Nothing in the stories looks like it: the rows have fields, towns, numbers in digits, and a
/// sentence that has to say the same as the fields and to draw a conclusion from them.
public struct WeatherRows: Sendable {
  private var generator: Generator

  /// A prompt and what should follow it.
  public struct Row: Sendable, Hashable {
    /// The fields, ending in `=>`.
    public let prompt: String
    /// A space and the report.
    public let completion: String
    /// What every right report holds, whatever its wording.
    public let facts: [String]
  }

  /// Rows that depend on `seed` alone.
  public init(seed: UInt64) { generator = Generator(seed: seed) }

  /// `count` rows of which no two have the same prompt, and none a prompt of `others`.
  public mutating func rows(_ count: Int, except others: [Row] = []) -> [Row] {
    var seen = Set(others.map(\.prompt))
    var rows: [Row] = []
    while rows.count < count {
      let row = next()
      if seen.insert(row.prompt).inserted { rows.append(row) }
    }
    return rows
  }

  private enum Sky: String, CaseIterable { case sun, cloud, rain, snow, fog, storm }

  private static let firstHalves = [
    "North", "South", "Stone", "Green", "Mill", "Oak", "Silver", "High", "Long", "Black",
  ]
  private static let secondHalves = ["wick", "ford", "bridge", "ham", "field", "port", "dale"]
  private static let days = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
  ]
  private static let directions = ["north", "east", "south", "west"]

  /// The next row.
  public mutating func next() -> Row {
    let town = generator.pick(Self.firstHalves) + generator.pick(Self.secondHalves)
    let day = generator.pick(Self.days)
    let sky = generator.pick(Sky.allCases)
    let low = sky == .snow ? -generator.pick(1...12) : generator.pick(0...22)
    let high = low + generator.pick(2...9)
    let direction = generator.pick(Self.directions)
    let isStrong = sky == .storm || sky != .fog && generator.oneIn(3)
    let wind = "\(isStrong ? "strong" : "light") \(direction)"
    let temperatures = "between \(low) and \(high) degrees"
    let weather = Self.noun(sky)
    let report = generator.pick([
      "\(day) brings \(weather) to \(town), \(temperatures), with a \(isStrong ? "strong" : "light")"
        + " wind from the \(direction).",
      "\(weather.capitalizedFirst) in \(town) on \(day), \(temperatures). The wind is "
        + "\(isStrong ? "strong" : "light") and comes from the \(direction).",
    ])
    let advice = Self.advice(sky, high: high, isStrong: isStrong)
    return Row(
      prompt:
        "town: \(town) | day: \(day) | sky: \(sky.rawValue) | low: \(low) | high: \(high) | "
        + "wind: \(wind) =>",
      completion: " \(report) \(advice)",
      facts: [town, day, temperatures, isStrong ? "strong" : "light", "the \(direction)", advice])
  }

  private static func noun(_ sky: Sky) -> String {
    switch sky {
    case .sun: "sunshine"
    case .cloud: "grey clouds"
    case .rain: "steady rain"
    case .snow: "fresh snow"
    case .fog: "thick fog"
    case .storm: "a thunderstorm"
    }
  }

  /// What follows from the fields.
  private static func advice(_ sky: Sky, high: Int, isStrong: Bool) -> String {
    switch sky {
    case .storm: "Stay at home."
    case .snow: "Wear warm boots."
    case .fog: "Drive with care."
    case .rain: isStrong ? "A raincoat is better than an umbrella." : "Take an umbrella."
    case .sun, .cloud:
      if isStrong {
        "Hold on to your hat."
      } else if high >= 24 {
        "Drink enough water."
      } else {
        "A good day for a walk."
      }
    }
  }
}
