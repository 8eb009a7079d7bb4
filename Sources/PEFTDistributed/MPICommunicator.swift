#if MPI
  import CPEFTMPI
  public import PEFTTraining

  /// The processes that `mpirun` started together, as ranks of one training.
  ///
  ///     let ranks = try MPICommunicator()
  ///     trainer.communicator = ranks
  ///     try trainer.run(batches) { event in ... }
  ///     try ranks.finish()
  ///
  /// Make one in a process, and call `finish()` when the training has ended well. A process that ends without it makes `mpirun`
  /// end the others. Calls must not overlap; they may come from different threads.
  public final class MPICommunicator: Communicator {
    /// The number of this process, from 0.
    public let rank: Int
    /// How many processes there are; 1 where the program was started by itself.
    public let count: Int

    /// Joins the processes that were started together.
    ///
    /// - Throws: `CommunicationError.transport` where MPI cannot start.
    public init() throws(CommunicationError) {
      var (rank, count): (Int32, Int32) = (0, 1)
      try Self.check(peft_mpi_start(&rank, &count), "MPI_Init_thread")
      (self.rank, self.count) = (Int(rank), Int(count))
    }

    /// Leaves the other processes, and waits until all of them do; nothing can be sent after that.
    ///
    /// - Throws: `CommunicationError.transport` where MPI reports an error.
    public func finish() throws(CommunicationError) {
      try Self.check(peft_mpi_finish(), "MPI_Finalize")
    }

    /// Ends all processes at once, after an error that the others do not know of.
    public func abort(code: Int32 = 1) { peft_mpi_abort(code) }

    /// Begins a sum over all ranks with `MPI_Iallreduce`.
    public func startSum(
      _ values: UnsafeMutableBufferPointer<Float>
    ) throws(CommunicationError) -> any PendingSum {
      let sum = Sum()
      try Self.check(
        peft_mpi_start_sum(values.baseAddress, Self.length(values.count), &sum.request),
        "MPI_Iallreduce")
      return sum
    }

    /// Combines numbers of all ranks with `MPI_Allreduce`.
    public func reduce(
      _ values: [Double], _ operation: Reduction
    ) throws(CommunicationError) -> [Double] {
      var results = values
      try Self.check(
        peft_mpi_reduce(
          values, &results, Self.length(values.count), operation == .maximum ? 1 : 0),
        "MPI_Allreduce")
      return results
    }

    /// Takes the numbers of rank 0 with `MPI_Bcast`.
    public func broadcast(
      _ values: UnsafeMutableBufferPointer<Float>
    ) throws(CommunicationError) {
      var start = 0
      while start < values.count {
        let end = min(start + 1 << 28, values.count)
        try Self.check(
          peft_mpi_broadcast(values.baseAddress.map { $0 + start }, Int32(end - start)),
          "MPI_Bcast")
        start = end
      }
    }

    /// MPI counts in 32 bits.
    private static func length(_ count: Int) -> Int32 {
      precondition(count <= Int32.max, "MPICommunicator: a message of \(count) numbers")
      return Int32(count)
    }

    fileprivate static func check(_ code: Int32, _ operation: String) throws(CommunicationError) {
      if code == 0 { return }
      var text = [CChar](repeating: 0, count: peft_mpi_error_size())
      peft_mpi_error_text(code, &text)
      let bytes = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
      throw .transport(
        operation: operation, code: Int(code), text: String(decoding: bytes, as: UTF8.self))
    }
  }

  /// A sum that MPI is working on.
  private final class Sum: PendingSum {
    var request = peft_mpi_request()
    private var isDone = false

    func progress() throws(CommunicationError) {
      if isDone { return }
      var done: Int32 = 0
      try MPICommunicator.check(peft_mpi_test(&request, &done), "MPI_Test")
      isDone = done != 0
    }

    func wait() throws(CommunicationError) {
      if isDone { return }
      isDone = true
      try MPICommunicator.check(peft_mpi_wait(&request), "MPI_Wait")
    }
  }
#else
  /// The processes that `mpirun` started together; needs the trait `MPI` of the package.
  @available(*, unavailable, message: "depend on swift-peft with the trait \"MPI\"")
  public enum MPICommunicator {}
#endif
