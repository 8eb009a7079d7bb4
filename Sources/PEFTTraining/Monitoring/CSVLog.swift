import PEFTCheckpoints

/// A log as a table with a column for each quantity of steps and evaluations.
///
/// An evaluation is a row of its own, with its loss in the column `evaluation_loss`. A quantity that a row does not have is empty.
public final class CSVLog: LogSink {
  private static let columns = [
    "step", "time", "epoch", "loss", "learning_rate", "gradient_norm", "tokens", "tokens_per_s",
    "resident_bytes", "pool_bytes", "data_wait_s", "forward_s", "backward_s", "optimizer_s",
    "gflops",
    "evaluation_loss",
  ]
  private let file: LogFile
  /// The rows of the step from which the training goes on, without their times.
  private var known: Set<String> = []

  /// Opens a file for a training that begins, or that goes on.
  ///
  /// - Parameters:
  ///   - path: is made where it does not exist.
  ///   - step: after which step the training goes on: rows of later ones are taken out. nil begins an empty file.
  /// - Throws: `CheckpointError` where it cannot be read or written.
  public init(_ path: String, goingOnAfter step: Int? = nil) throws {
    let header = Self.columns.joined(separator: ",") + "\n"
    let rows = try step.map { step in
      try LogFile.lines(path).dropFirst().filter { row in
        row.prefix { $0 != "," }.isEmpty == false && Int(row.prefix { $0 != "," }) ?? .max <= step
      }
    }
    file = try LogFile(path, beginning: header + (rows ?? []).map { $0 + "\n" }.joined())
    let prefix = step.map { "\($0)," } ?? ","
    known = Set((rows ?? []).filter { $0.hasPrefix(prefix) }.map { Self.timeless(String($0)) })
  }

  /// A row without its second cell.
  private static func timeless(_ row: String) -> String {
    var cells = row.split(separator: ",", omittingEmptySubsequences: false)
    if cells.count > 1 { cells.remove(at: 1) }
    return cells.joined(separator: ",")
  }

  /// Appends a row for a step or an evaluation, unless the log had it before the training went on; other entries have none.
  public func write(_ entry: LogEntry) throws {
    guard ["step", "evaluation"].contains(entry.kind) else { return }
    let isStep = entry.kind == "step"
    let cells = Self.columns.map { column -> String in
      switch column {
      case "step": "\(entry.step)"
      case "time": "\(entry.time)"
      case "evaluation_loss": isStep ? "" : entry["loss"].map { "\($0)" } ?? ""
      default: isStep ? entry[column].map { "\($0)" } ?? "" : ""
      }
    }
    let row = cells.joined(separator: ",")
    if known.remove(Self.timeless(row)) == nil { try file.append(row + "\n") }
  }
}
