#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Runs `body` while no file can grow past a size, which fails a write half way, as a full disk does.
///
/// - Parameters:
///   - byteCount: the most that a file can have.
///   - body: writes files.
/// - Returns: what `body` returns.
/// - Throws: what `body` throws.
public func withFileSizeLimit<Result>(
  _ byteCount: Int, _ body: () throws -> Result
) rethrows -> Result {
  #if canImport(Glibc)
    let limitOfFiles = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
  #else
    let limitOfFiles = RLIMIT_FSIZE
  #endif
  var old = rlimit()
  precondition(getrlimit(limitOfFiles, &old) == 0, "the limit cannot be read")
  // Without this, the first byte too many ends the process.
  let handler = signal(SIGXFSZ, SIG_IGN)
  var limited = old
  limited.rlim_cur = rlim_t(byteCount)
  precondition(setrlimit(limitOfFiles, &limited) == 0, "the limit cannot be set")
  defer {
    setrlimit(limitOfFiles, &old)
    signal(SIGXFSZ, handler)
  }
  return try body()
}
