enum DemoCommand: Command {
  static let usage = Usage(name: "demo", summary: "x", discussion: "y", options: [], example: "z")
  static func run(_ arguments: Arguments) throws {}
}
