import Foundation
import PEFTTraining

#if MPI
  import PEFTDistributed
#endif

/// The processes that `mpirun` started for one `peft train`; a single one where it was started by itself.
struct Ranks {
  /// How they reach each other.
  let communicator: any Communicator

  /// Joins the others.
  ///
  /// - Throws: `CommandError` where there are others and this program cannot reach them, and what is wrong with MPI.
  init() throws {
    guard LaunchedRank.count > 1 else {
      communicator = SingleProcess()
      return
    }
    #if MPI
      communicator = try MPICommunicator()
    #else
      throw CommandError.builtWithoutMPI(ranks: LaunchedRank.count)
    #endif
  }

  /// Whether this process measures, shows and writes.
  var isFirst: Bool { communicator.rank == 0 }
  /// Whether there are others.
  var areSeveral: Bool { communicator.count > 1 }

  /// Whether any process says so.
  func any(_ flag: Bool) throws -> Bool {
    areSeveral ? try communicator.reduce([flag ? 1 : 0], .maximum)[0] > 0 : flag
  }

  /// Leaves the others, which the end of this process ends otherwise.
  func finish() throws {
    #if MPI
      try (communicator as? MPICommunicator)?.finish()
    #endif
  }
}

/// What the program that started this process says about its place among others.
enum LaunchedRank {
  /// The number of this process.
  static let number = value(["OMPI_COMM_WORLD_RANK", "PMI_RANK"]) ?? 0
  /// How many processes were started.
  static let count = value(["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"]) ?? 1

  /// Whether another process of the same training shows what there is to be shown.
  static let isSilent: Bool = {
    #if MPI
      count > 1 && number > 0
    #else
      false
    #endif
  }()

  private static func value(_ names: [String]) -> Int? {
    names.lazy.compactMap { ProcessInfo.processInfo.environment[$0] }.compactMap { Int($0) }.first
  }
}
