/// The words that stories are made of.
enum StoryWords {
  static let girls = ["Anna", "Lucy", "Mia", "Rosa", "Ella", "Nora", "Ivy", "Clara"]
  static let boys = ["Ben", "Tom", "Max", "Leo", "Sam", "Finn", "Oscar", "Jack"]
  static let animals = [
    "fox", "bear", "rabbit", "mouse", "owl", "duck", "hedgehog", "frog", "cat", "goat",
  ]
  static let natures = [
    "little", "brave", "shy", "clever", "kind", "funny", "quiet", "curious", "old", "young",
  ]
  static let colours = ["red", "blue", "green", "yellow", "white", "black", "brown", "golden"]
  static let numbers = [
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
  ]
  static let homes = [
    "a small house by the river", "a hut in the forest", "a tall tree on the hill",
    "a village near the sea", "an old mill", "a cottage behind the hills", "a cave under the rocks",
    "a little house at the edge of the town",
  ]
  static let places = [
    "garden", "forest", "market", "river", "hill", "barn", "lake", "bridge", "meadow", "school",
  ]
  static let vehicles = ["boat", "train", "cart", "sledge", "bus", "bicycle"]
  static let fears = ["the dark", "the deep water", "the big dog", "the thunder", "the old well"]
  static let meals = [
    ["flour", "eggs", "milk", "pancakes"], ["apples", "sugar", "butter", "a pie"],
    ["carrots", "onions", "salt", "a soup"], ["honey", "nuts", "oats", "a cake"],
    ["berries", "cream", "sugar", "a jam"],
  ]

  /// A thing one can have several of.
  struct Thing {
    let one: String
    let many: String
  }

  static let things: [Thing] = [
    Thing(one: "apple", many: "apples"), Thing(one: "ball", many: "balls"),
    Thing(one: "berry", many: "berries"), Thing(one: "shell", many: "shells"),
    Thing(one: "stone", many: "stones"), Thing(one: "flower", many: "flowers"),
    Thing(one: "feather", many: "feathers"), Thing(one: "button", many: "buttons"),
    Thing(one: "egg", many: "eggs"), Thing(one: "cookie", many: "cookies"),
  ]

  static let toys = ["kite", "hat", "key", "drum", "scarf", "book", "lamp", "ring", "bell", "boot"]

  /// A seed and what grows from it.
  static let plants = [
    ("bean", "a long green stem"), ("pumpkin seed", "a big round pumpkin"),
    ("sunflower seed", "a flower as tall as a door"), ("acorn", "a tiny oak tree"),
  ]
}
