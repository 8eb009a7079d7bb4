import Foundation

/// Says on standard error how far something is: one line that is redrawn on a terminal, a line now and
/// then elsewhere.
final class Progress {
  private let label: String
  private let total: Int
  private let start = ContinuousClock.now
  private var shown: ContinuousClock.Instant?
  private var isDrawn = false
  /// How long between two drawings: a terminal follows closely, a log does not grow long.
  private let interval: Duration = Console.showsLiveProgress ? .milliseconds(100) : .seconds(5)

  /// Nothing is shown yet.
  init(_ label: String, total: Int) { (self.label, self.total) = (label, total) }

  /// Shows the state, unless it was shown a moment ago.
  ///
  /// - Parameters:
  ///   - done: how much of the total is done.
  ///   - detail: what else to show, computed only when it is shown.
  func update(_ done: Int, _ detail: @autoclosure () -> String = "") {
    let now = ContinuousClock.now
    if let shown, now - shown < interval, done < total { return }
    if shown == nil, now - start < interval { return }
    shown = now
    let elapsed = (now - start).seconds
    let left = Self.clock(done > 0 ? elapsed / Double(done) * Double(total - done) : 0)
    let count = "\(String(done).aligned(to: String(total).count))/\(total)"
    let detail = detail()
    let rest = (detail.isEmpty ? "" : "  \(detail)") + "  \(left) left"
    if Console.showsLiveProgress {
      let line = "\(label) \(Self.bar(done, of: total)) \(count)\(rest)"
      Console.error("\r\u{1B}[K\(line.prefix(Console.terminalWidth - 1))", terminator: "")
      isDrawn = true
    } else {
      Console.error("\(label) \(count)\(rest)")
    }
  }

  /// Removes the line that was redrawn.
  func finish() {
    if isDrawn { Console.error("\r\u{1B}[K", terminator: "") }
    isDrawn = false
  }

  private static func bar(_ done: Int, of total: Int) -> String {
    let width = 24
    let eighths = total > 0 ? done * width * 8 / total : 0
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    let filled = String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
    return "▕\(filled.padded(to: width))▏"
  }

  private static func clock(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    return "\(whole / 60):" + String(format: "%02d", whole % 60)
  }
}
