import Foundation

#if canImport(Darwin)
  import Darwin
#endif

/// The memory of this process.
public struct ProcessMemory: Sendable, Hashable {
  /// The bytes that are in memory now; nil where the system does not tell.
  public var resident: Int?
  /// The most bytes that were in memory so far.
  public var peak: Int

  /// An amount from its parts.
  public init(resident: Int?, peak: Int) {
    self.resident = resident
    self.peak = peak
  }

  /// The memory of this process now; nil where the system does not tell.
  public static var current: ProcessMemory? {
    #if canImport(Darwin)
      var usage = rusage()
      guard getrusage(RUSAGE_SELF, &usage) == 0 else { return nil }
      return ProcessMemory(resident: nil, peak: usage.ru_maxrss)
    #else
      (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)).flatMap(
        Self.init(status:))
    #endif
  }

  /// Reads the text of Linux's `/proc/self/status`; nil where the peak is missing.
  package init?(status: String) {
    func bytes(_ name: String) -> Int? {
      let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
      let fields = line?.split(whereSeparator: \.isWhitespace)
      guard let fields, fields.count == 3, fields[2] == "kB" else { return nil }
      return Int(fields[1]).map { $0 * 1024 }
    }
    guard let peak = bytes("VmHWM") else { return nil }
    self.init(resident: bytes("VmRSS"), peak: peak)
  }
}
