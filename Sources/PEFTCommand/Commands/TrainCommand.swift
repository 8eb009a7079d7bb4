enum TrainCommand: Command {
  static let usage = Usage(name: "train", summary: "x", discussion: "y", options: [], example: "z")
  static func run(_ arguments: Arguments) throws {}
}
