import Foundation
import PEFTAdapters
import PEFTJSON

/// `peft lint`.
enum LintCommand: Command {
  static let usage = Usage(
    name: "lint", summary: "Find everything that keeps a model or adapter folder from loading.",
    discussion:
      "All problems at once, each with its file. No pickle is opened and weights are not loaded. An adapter is tried on the base "
      + "that --model names, or on the one that its configuration names where that is a folder. Exit code 1 where "
      + "something would not load.",
    options: [
      Option("path", "DIR", "A model folder or an adapter folder."),
      Option(
        "model", "DIR", default: "what the adapter names, where that is a folder",
        "The base to try an adapter on."),
      Option(switch: "no-probe", "Do not compare outputs, which takes one forward pass."),
      .json,
    ],
    example: "peft lint adapter --model base", positional: "path")

  static func run(_ arguments: Arguments) throws {
    let path = try arguments.required("path")
    let base = arguments.string("model") ?? namedBase(path)
    let report = FolderReport(path, base: base, runsProbe: !arguments.isOn("no-probe"))
    Console.print("\(path): \(report.kind.rawValue)")
    if let savedFor = report.savedFor { Console.print("  saved for    \(savedFor)") }
    if let base = report.base {
      Console.print("  \(report.kind == .model ? "fingerprint" : "tried on   ")  \(base)")
    }
    if !report.targets.isEmpty { Console.print("  adapts       \(report.targets.count) modules") }
    for problem in report.problems {
      Console.print("  \(problem.severity.rawValue.padded(to: 12)) \(problem.message)")
    }
    let errors = report.problems.count { $0.severity == .error }
    let tried = report.kind == .model || report.base != nil
    Console.print(
      errors > 0
        ? "\(errors) \(errors == 1 ? "problem" : "problems")"
        : tried
          ? "it loads" + (report.comparedOutput ? ", with the output that it was saved with" : "")
          : "nothing wrong was found; give --model to try it on a base")
    if arguments.isOn("json") {
      Console.result([
        .init("path", .string(path)), .init("kind", .string(report.kind.rawValue)),
        .init("loads", .bool(report.loads)),
        .init("saved_for", report.savedFor.map { .string($0.id) } ?? .null),
        .init("base", report.base.map { .string($0.id) } ?? .null),
        .init("targets", .array(report.targets.map(JSON.string))),
        .init("compared_output", .bool(report.comparedOutput)),
        .init(
          "problems",
          .array(
            report.problems.map {
              .object([
                .init("severity", .string($0.severity.rawValue)),
                .init("message", .string($0.message)),
              ])
            })),
      ])
    }
    if errors > 0 { throw CommandError.unusable(path: path, reason: "would not load") }
  }

  /// The base that an adapter names, where it is a folder.
  private static func namedBase(_ path: String) -> String? {
    guard let data = FileManager.default.contents(atPath: "\(path)/adapter_config.json"),
      let json = try? JSON(parsing: Array(data)),
      let name = json["base_model_name_or_path"]?.string ?? json["model"]?.string,
      FileManager.default.fileExists(atPath: "\(name)/config.json")
    else { return nil }
    return name
  }
}
