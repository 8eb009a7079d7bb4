extension StoryGenerator {
  /// Some things are given away, and the rest is counted.
  mutating func sharing(_ hero: Character, _ friend: Character) -> [String] {
    let thing = generator.pick(StoryWords.things)
    let colour = generator.pick(StoryWords.colours)
    let all = generator.pick(2...9)
    let given = generator.pick(1...(all - 1))
    let place = generator.pick(StoryWords.places)
    let have = "\(StoryWords.numbers[all]) \(colour) \(thing.many)"
    return [
      generator.pick([
        "One day \(hero.name) found \(have) near the \(place).",
        "\(hero.name) had \(have) in \(hero.their) bag.",
        "One morning \(hero.name) took \(have) to the \(place).",
      ]),
      generator.pick([
        "Then \(hero.they) met \(friend.name), \(friend.description), who had no \(thing.many).",
        "\(friend.name), \(friend.description), came along and looked sad.",
      ]),
      generator.pick([
        "\(hero.name) gave \(friend.them) \(count(given, thing)).",
        "\"You can have \(count(given, thing)),\" said \(hero.name).",
      ]),
      "Now \(hero.name) had \(count(all - given, thing)) and \(friend.name) had "
        + "\(StoryWords.numbers[given]).",
      generator.pick([
        "Both were happy.", "\"Thank you,\" said \(friend.name), and they played all day.",
        "From that day on they were friends.",
      ]),
    ]
  }

  /// Something is lost, looked for in two places, and found in a third.
  mutating func losing(_ hero: Character, _ friend: Character) -> [String] {
    let toy = "\(generator.pick(StoryWords.colours)) \(generator.pick(StoryWords.toys))"
    let places = generator.pick(3, of: StoryWords.places)
    return [
      generator.pick([
        "\(hero.capitalThey) loved \(hero.their) \(toy) more than anything.",
        "\(hero.name) had \(article(toy)) from \(hero.their) grandmother.",
      ]),
      generator.pick([
        "One day the \(toy) was gone.", "One evening \(hero.they) could not find the \(toy).",
      ]),
      "\(hero.name) looked at the \(places[0]), but it was not there.",
      "\(hero.capitalThey) looked at the \(places[1]), but it was not there.",
      "Then \(hero.they) asked \(friend.name), \(friend.description).",
      generator.pick([
        "\"I saw \(article(toy)) in the \(places[2]),\" said \(friend.name).",
        "\(friend.name) said, \"Come with me to the \(places[2]).\"",
      ]),
      "They went to the \(places[2]), and there was the \(toy).",
      generator.pick([
        "\(hero.name) was so glad that \(hero.they) danced.",
        "\(hero.name) laughed and thanked \(friend.them).",
      ]),
    ]
  }

  /// Rain or snow comes, and two wait for its end together.
  mutating func storm(_ hero: Character, _ friend: Character) -> [String] {
    let snows = generator.oneIn(3)
    let (weather, verb) = snows ? ("snow", "snow") : ("rain", "rain")
    let place = generator.pick(StoryWords.places)
    let shelter = generator.pick(["a big tree", "the roof of a barn", "an old bridge"])
    return [
      "One \(snows ? "winter" : generator.pick(["spring", "summer", "autumn"])) day "
        + "\(hero.name) was on the way to the \(place).",
      "The sky turned \(snows ? "white" : "black") and it began to \(verb).",
      "\(hero.name) ran under \(shelter). \(friend.name), \(friend.description), was there too.",
      generator.pick([
        "\"The \(weather) will stop soon,\" said \(friend.name).",
        "\"Are you cold?\" asked \(friend.name). \"A little,\" said \(hero.name).",
      ]),
      "They told each other stories until the \(weather) stopped.",
      snows
        ? "Then they made a snowman in front of the \(place)."
        : "Then they saw a rainbow over the \(place).",
    ]
  }

  /// A way there and back, with something seen at the end of it.
  mutating func journey(_ hero: Character, _ friend: Character) -> [String] {
    let vehicle = generator.pick(StoryWords.vehicles)
    let place = generator.pick(StoryWords.places)
    let thing = generator.pick(StoryWords.things)
    let seen = generator.pick(2...9)
    let days = generator.pick(2...6)
    return [
      "\(hero.capitalThey) wanted to see the \(place) on the other side of the hills.",
      "So \(hero.they) took the \(vehicle) and travelled for \(StoryWords.numbers[days]) days.",
      "On the way \(hero.they) met \(friend.description) named \(friend.name).",
      "\"Where are you going?\" asked \(friend.name). "
        + "\"To the \(place),\" said \(hero.name). \"Come with me!\"",
      "At the \(place) they saw \(count(seen, thing)), and \(friend.name) counted them.",
      "\"\(StoryWords.numbers[seen].capitalizedFirst)!\" said \(friend.they).",
      "After \(StoryWords.numbers[days]) days with the \(vehicle) they were home again.",
    ]
  }

  /// A meal from three things.
  mutating func cooking(_ hero: Character, _ friend: Character) -> [String] {
    let meal = generator.pick(StoryWords.meals)
    let order = generator.pick(3, of: Array(meal.prefix(3)))
    return [
      "It was the birthday of \(friend.name), \(friend.description).",
      "\(hero.name) wanted to make \(meal[3]) for \(friend.them).",
      "\(hero.capitalThey) needed \(order[0]), \(order[1]) and \(order[2]).",
      "\(hero.capitalThey) had \(order[0]) and \(order[1]), but no \(order[2]).",
      "So \(hero.they) went to the market and bought \(order[2]).",
      generator.pick([
        "\"You made \(meal[3]) for me!\" said \(friend.name).",
        "\(friend.name) ate until nothing was left.",
      ]),
      generator.pick(["It was the best day of the year.", "They sang until the moon came up."]),
    ]
  }

  /// Somebody is afraid, and with help no longer.
  mutating func fear(_ hero: Character, _ friend: Character) -> [String] {
    let fear = generator.pick(StoryWords.fears)
    return [
      "\(hero.name) was afraid of \(fear).",
      "\(generator.pick(["Every night", "Every day"])) \(hero.they) hid when \(hero.they) "
        + "thought of it.",
      "\(hero.capitalTheir) friend \(friend.name) was \(friend.description).",
      "\"I was afraid of \(fear) too,\" said \(friend.name). \"Take my hand.\"",
      "Hand in hand they went, step by step.",
      generator.pick([
        "\"It is not so bad,\" said \(hero.name).",
        "\(hero.name) opened \(hero.their) eyes and smiled.",
      ]),
      "Since that day \(hero.name) is not afraid of \(fear) any more.",
    ]
  }

  /// A seed is watered for some days.
  mutating func growing(_ hero: Character, _ friend: Character) -> [String] {
    let (seed, plant) = generator.pick(StoryWords.plants)
    let days = generator.pick(3...9)
    let season = generator.pick(["spring", "summer"])
    return [
      "In \(season) \(friend.name), \(friend.description), gave \(hero.them) \(article(seed)).",
      "\(hero.name) put the \(seed) into the ground and gave it water every day.",
      "After one day there was nothing. After two days there was nothing.",
      "But after \(StoryWords.numbers[days]) days \(hero.they) saw \(plant).",
      "\"Look, \(friend.name)!\" said \(hero.name). \"It took \(StoryWords.numbers[days]) days.\"",
      generator.pick([
        "\(friend.name) was proud of \(hero.them).",
        "\"You were patient,\" said \(friend.name).",
      ]),
    ]
  }
}

extension String {
  /// The text with its first letter in upper case.
  var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
