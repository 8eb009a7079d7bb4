import Foundation
import PEFTTraining

/// A training on one page of HTML that needs nothing else: no network and no script.
///
/// It is XML as well, so that any reader of that can check it.
struct ReportPage {
  /// What it tells of.
  let run: RunLog

  /// A page about a training.
  init(_ run: RunLog) { self.run = run }

  /// The page.
  var html: String {
    let name = run.settings?.texts["method"]
    let title = "Training report" + (name.map { ": \($0)" } ?? "")
    return """
      <!DOCTYPE html>
      <html lang="en" xmlns="http://www.w3.org/1999/xhtml">
      <head>
      <meta charset="utf-8"/>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <title>\(title.escaped)</title>
      <style>\(Self.style)</style>
      </head>
      <body>
      <header><h1>\(title.escaped)</h1><p>\(subtitle.escaped)</p></header>
      \(tiles)
      \(section("Course", plots))
      \(section("Where the time went", timeSplit))
      \(section("Adapter", adapterPictures))
      \(section("Samples", samples))
      \(section("Events", events))
      \(section("Method and settings", settings))
      </body>
      </html>

      """
  }

  private var subtitle: String {
    let times = run.entries.map(\.time).filter { $0 > 0 }
    let formatter = ISO8601DateFormatter()
    formatter.formatOptions = [
      .withFullDate, .withTime, .withColonSeparatorInTime, .withSpaceBetweenDateAndTime,
    ]
    let span = [times.min(), times.max()].compactMap { $0 }
      .map { formatter.string(from: Date(timeIntervalSince1970: $0)).prefix(16) }
    let model = run.settings.map { $0.texts["model"] ?? "the built-in model" }
    let data = run.settings?.texts["data"].map { " on \($0)" } ?? ""
    return (model ?? run.path) + data
      + (span.count == 2 ? ", \(span[0]) to \(span[1]) UTC" : "")
  }

  private func section(_ title: String, _ content: String) -> String {
    content.isEmpty ? "" : "<section><h2>\(title.escaped)</h2>\n\(content)\n</section>"
  }
}
