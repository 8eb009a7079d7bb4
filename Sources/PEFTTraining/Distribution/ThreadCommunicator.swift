import Foundation

/// Ranks that are threads of one process, each with a model of its own: to try a distributed training without MPI.
///
///     let ranks = ThreadCommunicator.group(2)   // one for each thread
///
/// Sums are those in the order of the ranks, to the bit the same in every run. A rank that fails says so with `leave()`, which
/// ends the waiting of the others with an error.
public final class ThreadCommunicator: Communicator, Sendable {
  /// The number of this rank.
  public let rank: Int
  /// How many ranks there are.
  public var count: Int { meeting.count }
  private let meeting: Meeting

  private init(rank: Int, _ meeting: Meeting) { (self.rank, self.meeting) = (rank, meeting) }

  /// So many ranks that know each other.
  public static func group(_ count: Int) -> [ThreadCommunicator] {
    precondition(count > 0, "ThreadCommunicator: \(count) ranks")
    let meeting = Meeting(count)
    return (0..<count).map { ThreadCommunicator(rank: $0, meeting) }
  }

  /// Says that this rank takes part no longer.
  public func leave() { meeting.leave(rank) }

  /// Hands in the vector; the sum is made when it is waited for.
  public func startSum(
    _ values: UnsafeMutableBufferPointer<Float>
  ) throws(CommunicationError) -> any PendingSum {
    Pending(meeting: meeting, ticket: meeting.contribute(values.map(Double.init), rank), values)
  }

  /// Waits for the numbers of all ranks.
  public func reduce(
    _ values: [Double], _ operation: Reduction
  ) throws(CommunicationError) -> [Double] {
    let all = try meeting.collect(meeting.contribute(values, rank))
    return all.dropFirst().reduce(all[0]) { total, next in
      zip(total, next).map { operation == .sum ? $0 + $1 : max($0, $1) }
    }
  }

  /// Waits for all ranks, and takes what the first one brought.
  public func broadcast(
    _ values: UnsafeMutableBufferPointer<Float>
  ) throws(CommunicationError) {
    let first = try meeting.collect(meeting.contribute(values.map(Double.init), rank))[0]
    for (place, value) in first.enumerated() { values[place] = Float(value) }
  }

  private struct Pending: PendingSum {
    let meeting: Meeting
    let ticket: Int
    let values: UnsafeMutableBufferPointer<Float>

    init(meeting: Meeting, ticket: Int, _ values: UnsafeMutableBufferPointer<Float>) {
      (self.meeting, self.ticket, self.values) = (meeting, ticket, values)
    }

    func progress() {}

    func wait() throws(CommunicationError) {
      let all = try meeting.collect(ticket)
      for place in values.indices {
        values[place] = all.dropFirst().reduce(Float(all[0][place])) { $0 + Float($1[place]) }
      }
    }
  }
}

/// Where threads put down numbers for each other.
///
/// `@unchecked Sendable`: everything that changes is touched under `condition` alone.
private final class Meeting: @unchecked Sendable {
  let count: Int
  private let condition = NSCondition()
  /// What the ranks have put down in each round that is not over, and how many have taken it.
  private var rounds: [Int: (parts: [[Double]?], taken: Int)] = [:]
  /// In how many rounds each rank has taken part.
  private var tickets: [Int]
  private var lost: Int?

  init(_ count: Int) {
    self.count = count
    tickets = Array(repeating: 0, count: count)
  }

  func leave(_ rank: Int) {
    condition.withLock {
      lost = lost ?? rank
      condition.broadcast()
    }
  }

  /// Puts down a rank's numbers in its next round.
  func contribute(_ values: [Double], _ rank: Int) -> Int {
    condition.withLock {
      let ticket = tickets[rank]
      tickets[rank] += 1
      var round = rounds[ticket] ?? (parts: Array(repeating: nil, count: count), taken: 0)
      round.parts[rank] = values
      rounds[ticket] = round
      condition.broadcast()
      return ticket
    }
  }

  /// Waits for what all ranks put down in a round, in their order.
  func collect(_ ticket: Int) throws(CommunicationError) -> [[Double]] {
    let result: Result<[[Double]], CommunicationError> = condition.withLock {
      while true {
        guard var round = rounds[ticket] else { return .failure(.rankLost(rank: lost ?? 0)) }
        let parts = round.parts.compactMap { $0 }
        if parts.count == count {
          precondition(
            parts.allSatisfy { $0.count == parts[0].count },
            "ThreadCommunicator: ranks bring \(parts.map(\.count)) numbers to one round")
          round.taken += 1
          rounds[ticket] = round.taken == count ? nil : round
          return .success(parts)
        }
        if let lost { return .failure(.rankLost(rank: lost)) }
        condition.wait()
      }
    }
    return try result.get()
  }
}
