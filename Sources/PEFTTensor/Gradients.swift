import Synchronization

/// Whether operations on this task are recorded for a backward pass.
package enum Gradients {
  /// The ways in which a task can run.
  package enum Mode: Sendable {
    /// Operations with an input that needs a gradient are recorded.
    case recording
    /// Nothing is recorded.
    case off
    /// Nothing is recorded, but `probe` learns whether a trainable parameter was used.
    case probing(Probe)
  }

  /// Remembers which trainable parameters were used while nothing was recorded.
  package final class Probe: Sendable {
    private let touched = Mutex<Set<ObjectIdentifier>>([])
    /// The parameters that were used.
    package var parameters: Set<ObjectIdentifier> { touched.withLock { $0 } }
    /// Whether a trainable parameter was used.
    package var wasTouched: Bool { !parameters.isEmpty }
    /// Says that one was used.
    package func touch(_ parameter: Parameter) {
      let identity = ObjectIdentifier(parameter)
      touched.withLock { _ = $0.insert(identity) }
    }
  }

  @TaskLocal package static var mode = Mode.recording

  package static var isRecording: Bool {
    if case .recording = mode { true } else { false }
  }

  /// Whether what runs is for a backward pass, if only a later one that computes it again.
  package static var areWanted: Bool {
    if case .off = mode { false } else { true }
  }
}

/// Runs `body` without recording anything for a backward pass.
///
/// - Parameter body: what to run; tensors that it returns need no gradient.
/// - Returns: what `body` returns.
/// - Throws: what `body` throws.
public func withoutGradients<Result, Failure: Error>(
  _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
  try Gradients.run(in: .off, body)
}

extension Gradients {
  package static func run<Value, Failure: Error>(
    in mode: Mode, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let result: Result<Value, Failure> = $mode.withValue(mode) {
      do throws(Failure) { return .success(try body()) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
