enum PretrainCommand: Command {
  static let usage = Usage(name: "pretrain", summary: "x", discussion: "y", options: [], example: "z")
  static func run(_ arguments: Arguments) throws {}
}
