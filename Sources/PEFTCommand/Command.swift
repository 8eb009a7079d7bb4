import PEFTCheckpoints
import PEFTJSON

/// One subcommand.
protocol Command {
  /// What it says about itself.
  static var usage: Usage { get }
  /// Does its work.
  static func run(_ arguments: Arguments) throws
}

/// Everything after the word `peft`.
enum CommandLineTool {
  /// The version of the package.
  static let version = "0.1.0"

  private static var commands: [any Command.Type] {
    [
      DemoCommand.self, TrainCommand.self, EvaluateCommand.self, GenerateCommand.self,
      MergeCommand.self, ExportCommand.self, InspectCommand.self, LintCommand.self,
      CompareCommand.self, ReportCommand.self, PretrainCommand.self,
    ]
  }

  private static var help: String {
    let rows = commands.map { "  \($0.usage.name.padded(to: 10)) \($0.usage.summary)" }
    return """
      Parameter-efficient fine-tuning of Transformers on the CPU.

      Usage: peft COMMAND [options]

      \(rows.joined(separator: "\n"))

      `peft help COMMAND` shows the options of a command; `peft --version` says which program this is.
      `peft demo` needs no options.
      """
  }

  /// Runs the subcommand that the words name.
  ///
  /// - Returns: the exit code: 0, 1 after an error, 2 where the words are wrong.
  static func run(_ words: [String]) -> Int32 {
    guard let name = words.first else {
      Console.error(help)
      return 2
    }
    let words = Array(words.dropFirst())
    if ["--version", "version"].contains(name) {
      Console.print("peft \(version)")
      return 0
    }
    if ["--help", "-h", "help"].contains(name) {
      if let topic = words.first { return run([topic, "--help"]) }
      Console.print(help)
      return 0
    }
    guard let command = commands.first(where: { $0.usage.name == name }) else {
      let nearest = nearestNames(to: name, among: commands.map { $0.usage.name }, count: 2)
      return report(CommandError.unknownCommand(name, nearest: nearest), hint: "peft --help")
    }
    do {
      if words.contains(where: { $0 == "--help" || $0 == "-h" }) {
        Console.print(command.usage.help)
        return 0
      }
      try command.run(Arguments(words, for: command.usage))
      return 0
    } catch {
      return report(error, hint: "peft \(name) --help")
    }
  }

  private static func report(_ error: any Error, hint: String) -> Int32 {
    let code = (error as? CommandError)?.exitCode ?? 1
    Console.failure("peft: \(error)" + (code == 2 ? "\nTry `\(hint)`." : ""))
    return code
  }
}
