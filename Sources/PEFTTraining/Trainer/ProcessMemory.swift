import Foundation
import PEFTTensor

#if canImport(Darwin)
  import Darwin
#endif

/// The memory of this process.
public struct ProcessMemory: Sendable, Hashable {
  /// The bytes that are in memory now; nil where the system does not tell.
  public var resident: Int?
  /// The most bytes that were in memory so far.
  public var peak: Int
  /// The bytes that tensors hold now; nil where nobody asked.
  public var pool: Int?
  /// The most bytes that tensors held at a time; nil where nobody asked.
  public var poolPeak: Int?

  /// An amount from its parts.
  public init(resident: Int?, peak: Int, pool: Int? = nil, poolPeak: Int? = nil) {
    (self.resident, self.peak) = (resident, peak)
    (self.pool, self.poolPeak) = (pool, poolPeak)
  }

  /// The memory of this process now; nil where the system does not tell.
  public static var current: ProcessMemory? {
    guard var memory = ofSystem else { return nil }
    let statistics = Pool.shared.statistics
    (memory.pool, memory.poolPeak) = (statistics.bytesInUse, statistics.peakBytesInUse)
    return memory
  }

  private static var ofSystem: ProcessMemory? {
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
