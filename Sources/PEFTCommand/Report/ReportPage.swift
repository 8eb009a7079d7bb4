import Foundation
import PEFTJSON
import PEFTTraining

/// A training on one page of HTML that needs nothing else: no network and no script.
///
/// It is XML as well, so that any reader of that can check it.
struct ReportPage {
  private let run: RunLog

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

// MARK: Numbers

extension ReportPage {
  private var tiles: String {
    let steps = run.steps
    let last = steps.last
    var tiles: [(String, String, String)] = []
    let total = last?["total"].map { Int($0) }
    tiles.append(
      ("steps", "\(last?.step ?? 0)", total.map { $0 == last?.step ? "" : "of \($0)" } ?? ""))
    let losses = run.evaluations.compactMap { $0["loss"] }
    if let before = run.result?["before"] ?? losses.first,
      let after = run.result?["after"] ?? losses.last
    {
      tiles.append(
        ("held-out loss", after.rounded(digits: 3), "before \(before.rounded(digits: 3))"))
    } else if let loss = last?["loss"] {
      tiles.append(("last loss", loss.rounded(digits: 3), ""))
    }
    if let trained = run.settings?["trainable"], let all = run.settings?["parameters"], all > 0 {
      tiles.append(
        (
          "trained parameters", Int(trained).grouped,
          "\((100 * trained / all).rounded(digits: 2)) % of \(Int(all).grouped)"
        ))
    }
    if let speed = run.median("tokens_per_s") {
      let seconds = steps.reduce(0.0) { sum, entry in
        let speed = entry["tokens_per_s"] ?? 0
        return sum + (speed > 0 ? (entry["tokens"] ?? 0) / speed : 0)
      }
      tiles.append(
        ("tokens a second", Int(speed).grouped, "\(Self.time(seconds)) of training"))
    }
    if let peak = (run.entries.compactMap { $0["peak_bytes"] ?? $0["resident_bytes"] }).max() {
      tiles.append(("peak memory", "\((peak / 1e6).rounded(digits: 0)) MB", ""))
    }
    if let rate = run.median("gflops") {
      let peak = ["float32_gflops", "bfloat16_gflops"].compactMap { run.settings?[$0] }
        .map { $0.rounded(digits: 0) }
      tiles.append(
        (
          "GFLOP/s", rate.rounded(digits: 0),
          peak.count == 2 ? "machine: \(peak[0]) float32, \(peak[1]) bfloat16" : ""
        ))
    }
    let content = tiles.map { name, value, note in
      "<div class=\"tile\"><span>\(name.escaped)</span><b>\(value.escaped)</b>"
        + "<span>\(note.escaped)</span></div>"
    }
    return "<div class=\"tiles\">\(content.joined(separator: "\n"))</div>"
  }

  private static func time(_ seconds: Double) -> String {
    if seconds < 60 { return "\(seconds.rounded(digits: 1)) s" }
    if seconds < 3600 { return "\((seconds / 60).rounded(digits: 1)) min" }
    return "\((seconds / 3600).rounded(digits: 1)) h"
  }

  private var timeSplit: String {
    let parts = [
      ("data", "data_s"), ("forward", "forward_s"), ("backward", "backward_s"),
      ("optimizer", "optimizer_s"),
    ].map { name, key -> (String, Double) in
      let values = run.steps.compactMap { $0[key] }
      return (name, values.isEmpty ? 0 : values.reduce(0, +) / Double(values.count))
    }
    let total = parts.reduce(0) { $0 + $1.1 }
    if total <= 0 { return "" }
    var x = 0.0
    let bars = parts.enumerated().map { index, part -> String in
      let width = 400 * part.1 / total
      defer { x += width }
      return "<rect x=\"\(x.pixels)\" y=\"0\" width=\"\(width.pixels)\" height=\"26\" "
        + "class=\"m\(index + 1)\"/>"
    }
    let legend = parts.enumerated().map { index, part in
      "<span class=\"key k\(index + 1)\">\(part.0) \((1000 * part.1).rounded(digits: 1)) ms, "
        + "\((100 * part.1 / total).rounded(digits: 1)) %</span>"
    }
    return
      "<figure class=\"wide\"><figcaption>The mean step: \((1000 * total).rounded(digits: 1)) ms"
      + "</figcaption><svg viewBox=\"0 0 400 26\" preserveAspectRatio=\"none\" class=\"bar\" "
      + "xmlns=\"http://www.w3.org/2000/svg\">\(bars.joined())</svg>"
      + "<p class=\"legend\">\(legend.joined(separator: " "))</p></figure>"
  }
}

// MARK: Pictures

extension ReportPage {
  private var plots: String {
    let loss = run.curve("loss")
    var mean: [(x: Double, y: Double)] = []
    for point in loss where point.y.isFinite {
      mean.append((point.x, mean.last.map { 0.9 * $0.y + 0.1 * point.y } ?? point.y))
    }
    let plots = [
      LinePlot(
        title: "Loss, nats a token",
        series: [
          .init(name: "training, each step", color: 1, points: loss, isFaint: true),
          .init(name: "training, running mean", color: 1, points: mean),
          .init(
            name: "held-out", color: 2, points: RunLog.curve(run.evaluations, "loss"),
            isMarked: true),
        ]),
      LinePlot(
        title: "Learning rate",
        series: [.init(name: "learning rate", color: 1, points: run.curve("learning_rate"))]),
      LinePlot(
        title: "Norm of the gradients",
        series: [.init(name: "norm", color: 1, points: run.curve("gradient_norm"))],
        isLogarithmic: true),
      LinePlot(
        title: "Tokens a second",
        series: [.init(name: "tokens a second", color: 1, points: run.curve("tokens_per_s"))]),
      LinePlot(
        title: "Memory, MB",
        series: [
          .init(name: "process", color: 1, points: run.curve("resident_bytes", per: 1e6)),
          .init(
            name: "tensors after the step", color: 2, points: run.curve("pool_bytes", per: 1e6)),
        ]),
      LinePlot(
        title: "GFLOP/s", series: [.init(name: "GFLOP/s", color: 1, points: run.curve("gflops"))]),
    ]
    let figures = plots.compactMap { plot in
      plot.svg.map { figure(plot.title, $0, plot.series.filter { !$0.points.isEmpty }) }
    }
    return "<div class=\"grid\">\(figures.joined(separator: "\n"))</div>"
  }

  private func figure(_ title: String, _ svg: String, _ series: [LinePlot.Series]) -> String {
    let legend = series.map {
      "<span class=\"key k\($0.color)\(($0.isFaint ? " faint" : ""))\">\($0.name.escaped)</span>"
    }
    return "<figure><figcaption>\(title.escaped)</figcaption>\(svg)"
      + (series.count > 1 ? "<p class=\"legend\">\(legend.joined(separator: " "))</p>" : "")
      + "</figure>"
  }

  private var adapterPictures: String {
    var figures: [String] = []
    let map = HeatMap(run.ranks)
    if let svg = map.svg { figures.append(figure("Rank at each module", svg, [])) }
    let spectra = run.spectra
    if !spectra.isEmpty {
      var kinds: [String] = []
      let series = spectra.map { spectrum -> LinePlot.Series in
        let kind = HeatMap.place(spectrum.path).kind
        if !kinds.contains(kind) { kinds.append(kind) }
        // What is a millionth of the largest is rounding.
        let floor = 1e-6 * (spectrum.values.max() ?? 0)
        return .init(
          name: spectrum.path, color: (kinds.firstIndex(of: kind) ?? 0) % 8 + 1,
          points: spectrum.values.enumerated().filter { $1 > floor }
            .map { (Double($0 + 1), $1) }, isFaint: spectra.count > 4)
      }
      let plot = LinePlot(
        title: "Singular values of what was added", across: "number", series: series,
        isLogarithmic: true)
      let legend = kinds.enumerated().map {
        LinePlot.Series(name: $1, color: $0 % 8 + 1, points: [(0, 0)])
      }
      if let svg = plot.svg { figures.append(figure(plot.title, svg, legend)) }
    }
    return figures.isEmpty ? "" : "<div class=\"grid\">\(figures.joined(separator: "\n"))</div>"
  }
}

// MARK: Texts

extension ReportPage {
  private var samples: String {
    run.samples.map { sample in
      let texts = [sample.first, sample.last].map { entry in
        "<div><span>after step \(entry.step)</span><p class=\"text\">"
          + "\((entry.texts["text"] ?? "").escaped)</p></div>"
      }
      let shown = sample.first.step == sample.last.step ? texts.prefix(1) : texts.prefix(2)
      return "<article><p class=\"text prompt\">\(sample.prompt.escaped)</p>"
        + "<div class=\"pair\">\(shown.joined())</div></article>"
    }.joined(separator: "\n")
  }

  private var events: String {
    let lines = run.entries.compactMap { entry -> String? in
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
    return lines.isEmpty
      ? "" : "<ul>\(lines.map { "<li>\($0.escaped)</li>" }.joined(separator: "\n"))</ul>"
  }

  private var settings: String {
    let given = run.settings?.texts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } ?? []
    let saved = run.adapter.filter { !$0.value.isNull }.map {
      ($0.name, $0.value.string ?? $0.value.text(.compact))
    }
    func table(_ title: String, _ rows: [(String, String)]) -> String {
      if rows.isEmpty { return "" }
      let cells = rows.map {
        "<tr><th scope=\"row\">\($0.0.escaped)</th><td>\($0.1.escaped)</td></tr>"
      }
      return "<div><h3>\(title)</h3><table>\(cells.joined(separator: "\n"))</table></div>"
    }
    let tables = [table("Options", given), table("adapter_config.json", saved)].joined()
    return tables.isEmpty ? "" : "<div class=\"grid\">\(tables)</div>"
  }
}
