import Dispatch
import Foundation
import Synchronization

/// Lets a command end at a place of its choice after an interrupt or SIGTERM.
final class Interruption {
  private final class Flag: Sendable { let isSet = Atomic(false) }

  private let flag = Flag()
  private let sources: [any DispatchSourceSignal]

  /// From now on the first signal is noted, and the second ends the process as ever.
  init() {
    sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: .global())
    }
    for (source, number) in zip(sources, [SIGINT, SIGTERM]) {
      source.setEventHandler { [flag] in
        flag.isSet.store(true, ordering: .relaxed)
        signal(number, SIG_DFL)
      }
      source.activate()
    }
  }

  deinit {
    for source in sources { source.cancel() }
    for number in [SIGINT, SIGTERM] { signal(number, SIG_DFL) }
  }

  /// Whether a signal has come.
  var hasCome: Bool { flag.isSet.load(ordering: .relaxed) }
}
