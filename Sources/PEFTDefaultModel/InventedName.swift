internal import PEFTTensor

/// Names that nobody has: whoever reads one has to copy it to write it again.
enum InventedName {
  private static let starts = [
    "b", "br", "c", "ch", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "pl",
    "qu", "r", "s", "sh", "st", "t", "th", "tr", "v", "w", "y", "z",
  ]
  private static let vowels = ["a", "e", "i", "o", "u", "ai", "ee", "oo"]
  private static let ends = ["", "", "n", "r", "l", "s", "ck", "x", "m", "d", "nd", "ft", "rt"]

  /// A name of two or three syllables.
  static func next(_ generator: inout Generator) -> String {
    var name = ""
    for _ in 0..<generator.pick(2...3) {
      name += generator.pick(starts) + generator.pick(vowels)
    }
    return (name + generator.pick(ends)).capitalizedFirst
  }
}
