internal import PEFTTensor

/// Makes notes with invented names, figures and signs, which the words of the stories leave out.
///
/// A model that has read them has met every letter and digit, and can copy a name it has never seen.
struct NoteGenerator: Sendable {
  private var generator: Generator

  /// Notes that depend on `seed` alone.
  init(seed: UInt64) { generator = Generator(seed: seed) }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
  private static let goods = ["barrels", "sacks", "ropes", "nails", "lamps", "bricks", "planks"]

  /// The next note: one paragraph without line breaks.
  mutating func next() -> String {
    switch generator.below(9) {
    case 0: ledger()
    case 1: letter()
    case 2: spelling()
    case 3: ship()
    case 4: sums()
    case 5: readings()
    default: copy()
    }
  }

  private mutating func name() -> String { InventedName.next(&generator) }

  private mutating func ledger() -> String {
    let goods = generator.pick(3, of: Self.goods)
    let counts = goods.map { _ in generator.pick(2...40) }
    let item = generator.below(3)
    let taken = generator.pick(1...counts[item])
    let list = zip(counts, goods).map { "\($0) \($1)" }.joined(separator: ", ")
    return "Ledger of \(name()): \(list). \(name()) took \(taken) \(goods[item]), so "
      + "\(counts[item] - taken) \(goods[item]) are left."
  }

  private mutating func letter() -> String {
    let (writer, reader, place) = (name(), name(), name())
    let count = generator.pick(2...99)
    let goods = generator.pick(Self.goods)
    return "\(place), \(generator.pick(1...30)) \(generator.pick(Self.months)) "
      + "\(generator.pick(1700...1999)). Dear \(reader), please send \(count) \(goods) to "
      + "\(place). If \(count) \(goods) are too many, \(reader), send half. Yours, \(writer)."
  }

  private mutating func spelling() -> String {
    let name = name()
    let letters = name.lowercased().map(String.init)
    return "How is \(name) spelled? \(letters.joined(separator: "-")). "
      + "\(name) has \(letters.count) letters and begins with \(letters[0].uppercased())."
  }

  private mutating func ship() -> String {
    let (ship, captain, port) = (name(), name(), name())
    let crew = generator.pick(3...60)
    let fields = [
      "ship = \(ship)", "captain = \(captain)", "crew = \(crew)", "port = \(port)",
    ]
    let questions = [
      "Who is captain of the \(ship)? \(captain).", "How many sail on the \(ship)? \(crew).",
      "Where does captain \(captain) come from? From \(port).",
    ]
    return "[\(generator.pick(4, of: fields).joined(separator: "; "))] "
      + generator.pick(2, of: questions).joined(separator: " ")
  }

  private mutating func sums() -> String {
    (0..<generator.pick(3...5)).map { _ in
      let (a, b) = (generator.pick(0...40), generator.pick(0...40))
      return generator.oneIn(2) ? "\(a) + \(b) = \(a + b)" : "\(a) - \(b) = \(a - b)"
    }.joined(separator: "; ") + "."
  }

  private mutating func readings() -> String {
    let pairs = (0..<generator.pick(2...4)).map { _ in
      let first = generator.pick(-15...30)
      return (first, first + generator.pick(1...12))
    }
    let list = pairs.map { "\($0) to \($1)" }.joined(separator: ", ")
    let least = pairs.map(\.0).min() ?? 0
    let most = pairs.map(\.1).max() ?? 0
    return "Readings: \(list). Least \(least), most \(most)."
  }

  /// Names and figures between signs, and all of it again.
  private mutating func copy() -> String {
    let sign = generator.pick([" | ", " / ", ", ", " - ", ": ", " & "])
    let parts = (0..<generator.pick(3...5)).map { _ in
      generator.oneIn(3) ? "\(generator.pick(-20...99))" : name()
    }
    let arrow = generator.pick([" => ", " -> ", " = ", " (again) "])
    return "\(parts.joined(separator: sign))\(arrow)\(parts.joined(separator: " and "))."
  }
}
