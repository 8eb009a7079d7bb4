import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Keeps a run from growing, and says which case it was where the program ends or hangs.
enum Guard {
  /// How much memory a run may take beyond what it has at its beginning.
  static let growth = 1 << 30
  /// How many seconds one case may take.
  static let patience: UInt32 = 20

  // One thread writes it, and the handler of a signal reads it on the same thread.
  private nonisolated(unsafe) static var number: UInt64 = 0

  /// Limits the address space, and says the case at every end of the program by a signal.
  static func start() {
    var limit = rlimit()
    limit.rlim_cur = rlim_t(addressSpace + growth)
    limit.rlim_max = limit.rlim_cur
    #if canImport(Glibc)
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    #else
      setrlimit(RLIMIT_AS, &limit)
    #endif
    for signal in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGALRM] {
      Foundation.signal(signal) { signal in
        Guard.say(signal == SIGALRM ? "hangs" : "ends the program")
        _exit(1)
      }
    }
  }

  /// A case begins.
  static func begin(_ number: UInt64) {
    self.number = number
    alarm(patience)
  }

  /// All is over.
  static func end() { alarm(0) }

  // Only what may be called in the handler of a signal.
  private static func say(_ what: StaticString) {
    func put(_ text: StaticString) { write(2, text.utf8Start, text.utf8CodeUnitCount) }
    put("\ncase ")
    var divisor: UInt64 = 1
    while number / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      var digit = 48 + UInt8(number / divisor % 10)
      write(2, &digit, 1)
      divisor /= 10
    }
    put(" ")
    put(what)
    put("\n")
  }

  /// The size of the address space now.
  private static var addressSpace: Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    return (text.split(separator: " ").first.flatMap { Int($0) } ?? 1 << 20) * Int(getpagesize())
  }
}
