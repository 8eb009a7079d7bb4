import Foundation
import PEFTJSON
import PEFTTraining

extension ReportPage {
  /// What was written before and after, by prompt.
  var samples: String {
    run.samples.map { sample in
      let texts = [sample.first, sample.last].map { entry in
        "<div><span>after step \(entry.step)</span><p class=\"text\">"
          + "\(Self.trimmed(entry.texts["text"] ?? "").escaped)</p></div>"
      }
      let shown = sample.first.step == sample.last.step ? texts.prefix(1) : texts.prefix(2)
      return "<article><p class=\"text prompt\">\(sample.prompt.escaped)</p>"
        + "<div class=\"pair\">\(shown.joined())</div></article>"
    }.joined(separator: "\n")
  }

  /// Without white space around it.
  private static func trimmed(_ text: String) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// How many events are shown at most.
  private static let eventLimit = 200

  /// Changes and anomalies.
  var events: String {
    var lines = run.entries.compactMap { entry -> String? in
      switch entry.kind {
      case "change":
        let value = { (name: String) in entry[name].map { "\($0)" } ?? "none" }
        return "before step \(entry.step): \(entry.texts["name"] ?? "") changed from "
          + "\(value("old")) to \(value("new"))"
      case "anomaly":
        return "step \(entry.step): \(entry.texts["kind"] ?? "anomaly"), loss "
          + "\((entry["loss"] ?? .nan).rounded(digits: 4)), \(entry.texts["reaction"] ?? "")"
          + (entry.texts["file"].map { ", batch in \($0)" } ?? "")
      default: return nil
      }
    }
    if lines.count > Self.eventLimit {
      let rest = lines.count - Self.eventLimit
      lines = lines.prefix(Self.eventLimit) + ["and \(rest) more in log.jsonl"]
    }
    return lines.isEmpty
      ? "" : "<ul>\(lines.map { "<li>\($0.escaped)</li>" }.joined(separator: "\n"))</ul>"
  }

  /// The options, and what the adapter says of itself.
  var settings: String {
    let given = run.settings?.texts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } ?? []
    let saved = run.adapter.filter { !$0.value.isNull }.map {
      ($0.name, $0.value.string ?? $0.value.text(.compact))
    }
    func table(_ title: String, _ rows: [(String, String)]) -> String {
      if rows.isEmpty { return "" }
      let cells = rows.map {
        "<tr><th scope=\"row\">\($0.0.escaped)</th><td>\(Self.folded($0.1))</td></tr>"
      }
      return "<div><h3>\(title)</h3><table>\(cells.joined(separator: "\n"))</table></div>"
    }
    let tables = [table("Options", given), table("adapter_config.json", saved)].joined()
    return tables.isEmpty ? "" : "<div class=\"grid\">\(tables)</div>"
  }

  /// A text as it stands in a cell; a long one opens on a touch.
  private static func folded(_ text: String) -> String {
    if text.count <= 120 { return text.escaped }
    return
      "<details><summary>\(String(text.prefix(60)).escaped)…</summary>\(text.escaped)</details>"
  }
}
