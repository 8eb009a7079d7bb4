/// The general categories of code points, and `\w` and `\s`, as regular expressions ask for them.
///
/// Code points fall into a few kinds, of which a set of categories takes some: such a set is a mask of
/// kinds.
enum UnicodeCategories {
  /// The names of the categories, in the order of their numbers.
  static let names = [
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi",
    "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
  ]

  private static let wordBit: UInt32 = 32
  private static let spaceBit: UInt32 = 64

  private static let values: [UInt32] = {
    var values: [UInt32] = []
    PackedNumbers.forEach(in: kinds) { values.append($0[0]) }
    return values
  }()

  private static let table: RunTable = {
    let letters = Array(RunTable.letters.utf8)
    var places = [UInt16](repeating: 0, count: 128)
    for (place, letter) in letters.enumerated() { places[Int(letter)] = UInt16(place) }
    return RunTable(runs) { places[Int($0 & 0x7F)] }
  }()

  /// The mask with the kind of a code point alone.
  static func kind(of point: UInt32) -> UInt64 { 1 << UInt64(table[point]) }

  private static func mask(_ isIn: (UInt32) -> Bool) -> UInt64 {
    var mask: UInt64 = 0
    for (place, value) in values.enumerated() where isIn(value) { mask |= 1 << UInt64(place) }
    return mask
  }

  /// The kinds of the category, or group of categories such as `L`, with a name; nil for an unknown one.
  static func mask(named name: String) -> UInt64? {
    let numbers = Set(names.indices.filter { names[$0].hasPrefix(name) }.map(UInt32.init))
    if name.isEmpty || numbers.isEmpty { return nil }
    return mask { numbers.contains($0 & 31) }
  }

  /// The kinds of `\w`.
  static let word = mask { $0 & wordBit != 0 }
  /// The kinds of `\w` in a class, which Oniguruma takes without superscripts and fractions.
  static let wordInClass = word & ~(mask(named: "No") ?? 0)
  /// The kinds of `\s`.
  static let space = mask { $0 & spaceBit != 0 }
  /// All kinds.
  static let all = mask { _ in true }
}
