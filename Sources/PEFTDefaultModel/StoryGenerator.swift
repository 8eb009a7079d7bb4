internal import PEFTTensor

/// Makes little stories from a grammar: the larger part of the text on which the built-in model is pre-trained.
///
/// A story has a hero and a friend who keep their names, kinds and pronouns, a plot of some sentences
/// in which things are counted, lost, found, made or grown, and an ending that fits the plot. The
/// stories are made up by this file; the same seed gives the same bytes.
public struct StoryGenerator: Sendable {
  var generator: Generator

  /// Stories that depend on `seed` alone.
  public init(seed: UInt64) { generator = Generator(seed: seed) }

  /// Somebody in a story.
  struct Character {
    let name: String
    /// "a shy fox", "a clever girl".
    let description: String
    let isFemale: Bool
    var they: String { isFemale ? "she" : "he" }
    var capitalThey: String { they.capitalizedFirst }
    var them: String { isFemale ? "her" : "him" }
    var their: String { isFemale ? "her" : "his" }
    var capitalTheir: String { their.capitalizedFirst }
  }

  /// The next story: one paragraph without line breaks.
  public mutating func next() -> String {
    let isFemale = generator.oneIn(2)
    let hero = character(isFemale: isFemale, except: "")
    let friend = character(isFemale: generator.oneIn(2), except: hero.name)
    let plot: [String]
    switch generator.below(7) {
    case 0: plot = sharing(hero, friend)
    case 1: plot = losing(hero, friend)
    case 2: plot = storm(hero, friend)
    case 3: plot = journey(hero, friend)
    case 4: plot = cooking(hero, friend)
    case 5: plot = fear(hero, friend)
    default: plot = growing(hero, friend)
    }
    return ([opening(hero)] + plot).joined(separator: " ")
  }

  /// A word with the article it needs.
  func article(_ word: String) -> String {
    word.first.map { "aeiou".contains($0) } == true ? "an \(word)" : "a \(word)"
  }

  /// A number of things in words, as "one shell" or "three shells".
  func count(_ number: Int, _ thing: StoryWords.Thing) -> String {
    "\(StoryWords.numbers[number]) \(number == 1 ? thing.one : thing.many)"
  }

  private mutating func character(isFemale: Bool, except name: String) -> Character {
    let names = (isFemale ? StoryWords.girls : StoryWords.boys).filter { $0 != name }
    // Half of the names are in no list, so they have to be remembered from the story.
    let name = generator.oneIn(2) ? InventedName.next(&generator) : generator.pick(names)
    let nature = generator.pick(StoryWords.natures)
    let kind =
      generator.oneIn(2) ? generator.pick(StoryWords.animals) : isFemale ? "girl" : "boy"
    return Character(
      name: name, description: article("\(nature) \(kind)"), isFemale: isFemale)
  }

  private mutating func opening(_ hero: Character) -> String {
    let home = generator.pick(StoryWords.homes)
    switch generator.below(4) {
    case 0: return "Once upon a time, \(hero.description) named \(hero.name) lived in \(home)."
    case 1:
      return
        "Long ago there was \(hero.description) in \(home). \(hero.capitalTheir) name was \(hero.name)."
    case 2: return "\(hero.name) was \(hero.description). \(hero.capitalThey) lived in \(home)."
    default: return "There was once \(hero.description) named \(hero.name) who lived in \(home)."
    }
  }
}
