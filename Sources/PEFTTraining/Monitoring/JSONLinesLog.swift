import Foundation
import PEFTCheckpoints
import PEFTJSON

/// A log with one JSON object a line: `{"event", "step", "time"}`, and the quantities of the entry by name.
///
/// Numbers that JSON has no spelling for, NaN and infinities, are written as `null`.
public final class JSONLinesLog: LogSink {
  private let file: LogFile
  /// What was said after the step from which the training goes on, and will be again.
  private var known: Set<LogEntry> = []

  /// Opens a file for a training that begins, or that goes on.
  ///
  /// - Parameters:
  ///   - path: is made where it does not exist.
  ///   - step: after which step the training goes on: entries of later ones, which a run that was killed has left, are taken out. nil
  ///     begins an empty file.
  /// - Throws: `CheckpointError` where it cannot be read or written.
  public init(_ path: String, goingOnAfter step: Int? = nil) throws {
    let kept = try step.map { step in try Self.read(path).filter { $0.step <= step } } ?? []
    file = try LogFile(path, beginning: kept.map(Self.line).joined())
    known = Set(kept.filter { $0.step == step }.map(\.timeless))
  }

  /// Appends a line, unless the log had it before the training went on.
  public func write(_ entry: LogEntry) throws {
    if known.remove(entry.timeless) == nil { try file.append(Self.line(entry)) }
  }

  /// The entries of a file, of which a last line that was cut is left out.
  ///
  /// - Parameter path: a file that this type wrote; one that does not exist has no entries.
  /// - Returns: the entries in the order of the file.
  /// - Throws: `CheckpointError.invalidJSON` with the number of the line for anything else.
  public static func read(_ path: String) throws -> [LogEntry] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    let bytes: [UInt8]
    do {
      bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    } catch {
      throw CheckpointError.fileUnreadable(path: path, reason: error.localizedDescription)
    }
    var entries: [LogEntry] = []
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.dropLast().enumerated() where !line.isEmpty {
      guard let json = try? JSON(parsing: Array(line)), let members = json.members,
        let kind = json["event"]?.string, let step = json["step"]?.integer
      else {
        throw CheckpointError.invalidJSON(
          path: path, reason: "line \(index + 1) is no entry of a log")
      }
      var entry = LogEntry(kind, step: step, time: json["time"]?.number ?? 0)
      for member in members where !["event", "step", "time"].contains(member.name) {
        if let text = member.value.string {
          entry.texts[member.name] = text
        } else {
          entry.numbers.append(.init(member.name, member.value.number ?? .nan))
        }
      }
      entries.append(entry)
    }
    return entries
  }

  private static func line(_ entry: LogEntry) -> String {
    var members: [JSON.Member] = [
      .init("event", .string(entry.kind)), .init("step", .integer(entry.step)),
      .init("time", .number(entry.time)),
    ]
    members += entry.numbers.map { number in
      .init(
        number.name,
        Int(exactly: number.value).map(JSON.integer)
          ?? (number.value.isFinite ? .number(number.value) : .null))
    }
    members += entry.texts.sorted { $0.key < $1.key }.map { .init($0.key, .string($0.value)) }
    return JSON.object(members).text(.compact) + "\n"
  }
}
