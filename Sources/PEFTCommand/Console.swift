import Foundation
import PEFTJSON

/// Standard output and standard error.
enum Console {
  /// Whether progress may be redrawn in place.
  static let showsLiveProgress =
    isatty(2) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  private static let usesBold =
    isatty(1) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
    && ProcessInfo.processInfo.environment["TERM"] != "dumb"

  /// How many characters a line of the terminal has.
  static var terminalWidth: Int {
    var size = winsize()
    let isKnown = ioctl(2, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 20
    return isKnown ? Int(size.ws_col) : 80
  }

  /// Writes to standard output at once, so that it can be watched through a pipe.
  static func print(_ text: String = "", terminator: String = "\n") {
    if LaunchedRank.isSilent { return }
    do {
      try FileHandle.standardOutput.write(contentsOf: Data((text + terminator).utf8))
    } catch {
      self.error("peft: standard output cannot be written")
      exit(1)
    }
  }

  /// Writes a heading to standard output.
  static func heading(_ text: String) {
    print("\n" + (usesBold ? "\u{1B}[1m\(text)\u{1B}[0m" : text))
  }

  /// Writes to standard error, where no other process says the same.
  static func error(_ text: String, terminator: String = "\n") {
    if !LaunchedRank.isSilent { writeError(text + terminator) }
  }

  /// Writes to standard error what is wrong with this process, of whatever rank.
  static func failure(_ text: String) {
    writeError((LaunchedRank.isSilent ? "rank \(LaunchedRank.number): " : "") + text + "\n")
  }

  private static func writeError(_ text: String) {
    // Where standard error cannot be written, there is nowhere to say so.
    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
  }

  /// Writes the line that programs read.
  static func result(_ members: [JSON.Member]) { print(JSON.object(members).text(.compact)) }
}
