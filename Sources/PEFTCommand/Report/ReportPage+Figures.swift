import PEFTTraining

extension ReportPage {
  /// The figures at the top.
  var tiles: String {
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
      let peak = run.settings?["float32_gflops"] ?? 0
      let half = run.settings?["bfloat16_gflops"] ?? 0
      tiles.append(
        (
          "GFLOP/s", rate.rounded(digits: 0),
          peak > 0
            ? "\((100 * rate / peak).rounded(digits: 0)) % of the machine's "
              + "\(peak.rounded(digits: 0)) in float32; \(half.rounded(digits: 0)) in bfloat16" : ""
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

  /// The parts of the mean step.
  var timeSplit: String {
    let parts = [
      ("data", "data_wait_s"), ("forward", "forward_s"), ("backward", "backward_s"),
      ("optimiser", "optimizer_s"),
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
