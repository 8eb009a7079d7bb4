import Foundation
import PEFTCheckpoints
import PEFTJSON

/// `peft report`.
enum ReportCommand: Command {
  static let usage = Usage(
    name: "report", summary: "Show a training on one page of HTML.",
    discussion:
      "Reads log.jsonl, which peft train --log jsonl keeps, and adapter_config.json in the folder of a training, also while it "
      + "runs, and writes a page with curves, the ranks of every layer, singular values, samples and settings. The page needs no "
      + "network and no script, and fits a phone.",
    options: [
      Option("run", "DIR", "The output folder of a training."),
      Option("output", "FILE", default: "report.html in the folder", "The page to write."),
      .json,
    ],
    example: "peft report run --output run.html", positional: "run")

  static func run(_ arguments: Arguments) throws {
    let run = try RunLog(try arguments.required("run"))
    let output = arguments.string("output") ?? "\(run.path)/report.html"
    let page = ReportPage(run).html
    try atomicallyWrite(page, to: output)
    Console.print("\(run.steps.count) steps on \(output)")
    if arguments.isOn("json") {
      Console.result([
        .init("report", .string(output)), .init("steps", .integer(run.steps.count)),
        .init("bytes", .integer(page.utf8.count)),
      ])
    }
  }
}
