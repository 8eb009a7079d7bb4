import Foundation
import Synchronization

/// The worker threads of the tensor core: the only ones that compute, beside OpenBLAS, which is
/// kept at one thread and called on row blocks.
///
/// Work is cut into as many contiguous parts as there are threads, whether they run side by side or,
/// where another task is using the workers, one after the other: results do not depend on it.
package enum Parallel {
  /// How many parts work is cut into: the processors that are active, or `PEFT_THREADS`.
  package static let threads: Int = {
    let wanted = ProcessInfo.processInfo.environment["PEFT_THREADS"].flatMap { Int($0) }
    return max(1, min(wanted ?? ProcessInfo.processInfo.activeProcessorCount, 256))
  }()

  private static let team = Team(workers: threads - 1)

  /// Runs `body` for contiguous parts of `0..<count`, at least `grain` long each.
  ///
  /// - Parameters:
  ///   - count: the number of items.
  ///   - grain: the smallest part that is worth a thread.
  ///   - body: gets the number of the part and its range; parts must not write to the same memory.
  package static func run(
    _ count: Int, grain: Int = 1, _ body: (_ part: Int, _ range: Range<Int>) -> Void
  ) {
    let parts = partCount(count, grain: grain)
    if parts <= 1 {
      if count > 0 { body(0, 0..<count) }
      return
    }
    team.run(parts: parts) { part in
      body(part, count * part / parts..<count * (part + 1) / parts)
    }
  }

  /// Into how many parts `run` cuts `count` items.
  package static func partCount(_ count: Int, grain: Int = 1) -> Int {
    max(1, min(threads, count / max(grain, 1)))
  }
}

/// Threads that look for work for a moment, and then sleep until there is some.
private final class Team: Sendable {
  private let workers: Int
  private let isBusy = Atomic(false)
  private let generation = Atomic(0)
  private let unfinished = Atomic(0)
  private let wake = NSCondition()
  // Written by the thread that holds `isBusy`, before `generation` is raised with releasing order; read
  // by workers after they have seen the new generation with acquiring order.
  private nonisolated(unsafe) var job: (Int) -> Void = { _ in }

  init(workers: Int) {
    self.workers = workers
    for index in 0..<workers {
      let thread = Thread { [unowned self] in self.work(as: index + 1) }
      thread.stackSize = 4 << 20
      thread.name = "peft-\(index + 1)"
      thread.start()
    }
  }

  func run(parts: Int, _ body: (Int) -> Void) {
    guard
      workers > 0,
      isBusy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else {
      for part in 0..<parts { body(part) }
      return
    }
    withoutActuallyEscaping(body) { body in
      job = { if $0 < parts { body($0) } }
      unfinished.store(workers, ordering: .relaxed)
      wake.lock()
      generation.wrappingAdd(1, ordering: .releasing)
      wake.broadcast()
      wake.unlock()
      body(0)
      while unfinished.load(ordering: .acquiring) > 0 {}
      job = { _ in }
    }
    isBusy.store(false, ordering: .releasing)
  }

  private func work(as index: Int) {
    var seen = 0
    while true {
      var spins = 0
      while generation.load(ordering: .acquiring) == seen {
        spins += 1
        if spins > 20_000 { sleep(until: seen) }
      }
      seen = generation.load(ordering: .acquiring)
      perform(index)
      unfinished.wrappingSubtract(1, ordering: .releasing)
    }
  }

  /// Calls the job and lets go of it, before the caller says that this worker has finished.
  @inline(never)
  private func perform(_ index: Int) { job(index) }

  private func sleep(until seen: Int) {
    wake.lock()
    while generation.load(ordering: .acquiring) == seen { wake.wait() }
    wake.unlock()
  }
}
