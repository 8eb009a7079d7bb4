internal import CPEFTKernels

extension Kernels {
  /// The same as `multiply`, with sums in double precision that are rounded once.
  ///
  /// For small products, where it costs next to nothing: an optimiser that divides by the size of a gradient, as Adam,
  /// makes much of the rounding errors of gradients that nearly cancel.
  static func multiplyPrecisely(
    _ a: Matrix, _ aForm: Transposition, _ b: Matrix, _ bForm: Transposition, alpha: Float,
    beta: Float, to c: Matrix
  ) {
    let inner = aForm == .none ? a.columns : a.rows
    let scratch = Storage(byteCount: peft_precise_scratch(inner, c.columns) * 8)
    let widened = scratch.address.assumingMemoryBound(to: Double.self)
    peft_precise_operand(
      b.address, b.stride, bForm == .none ? 0 : 1, inner, c.columns, widened)
    let work = c.rows * c.columns * inner
    withExtendedLifetime(scratch) {
      Parallel.run(c.rows, grain: max(8, c.rows * preciseGrain / max(1, work))) { _, rows in
        peft_precise_product(
          a.address + rows.lowerBound * (aForm == .none ? a.stride : 1), a.stride,
          aForm == .none ? 0 : 1, widened, c.address + rows.lowerBound * c.stride, c.stride,
          rows.count, inner, c.columns, alpha, beta)
      }
    }
  }

  /// Multiply-adds that are worth a thread of their own.
  private static let preciseGrain = 1 << 16
}
