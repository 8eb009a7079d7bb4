internal import CPEFTKernels

/// Products of large float32 matrices by kernels of our own.
///
/// A is packed once for all threads, B panel by panel by the thread that multiplies by it, so that the cost of packing a weight is
/// shared by the rows. An element of C is summed in the order of the inner axis, whatever the number of threads.
extension Kernels {
  /// Rows of A that are packed at a time; a multiple of `tile`.
  private static let panelRows = 516
  /// The part of the inner axis for which A is packed at a time.
  private static let packedDepth = 3072
  /// The part of the inner axis that a panel holds at most: it stays in the nearest caches.
  private static let panelDepth = 384
  /// A multiple of the heights of all tiles.
  private static let tile = 12
  /// Panels from which on they are shared out among threads with all rows.
  private static let manyPanels = 16
  /// Multiply-adds that are worth a second thread.
  private static let panelWork = 1 << 18

  /// C = alpha * op(A) op(B) + beta * C.
  static func multiplyInPanels(
    _ a: Matrix, _ aForm: Transposition, _ b: Matrix, _ bForm: Transposition, alpha: Float,
    beta: Float, to c: Matrix
  ) {
    let inner = aForm == .none ? a.columns : a.rows
    let rowCount = min(c.rows, panelRows)
    let packed = Storage(byteCount: rowCount * min(inner, packedDepth) * 4)
    let scratch = Storage(byteCount: Parallel.threads * (panelDepth + rowCount) * panel * 4)
    withExtendedLifetime((packed, scratch)) {
      for first in stride(from: 0, to: c.rows, by: panelRows) {
        for start in stride(from: 0, to: inner, by: packedDepth) {
          let part = PanelPart(
            rows: first..<min(first + panelRows, c.rows),
            inner: start..<min(start + packedDepth, inner),
            packed: packed.address.assumingMemoryBound(to: Float.self))
          part.pack(a, aForm)
          part.multiply(
            b, bForm, alpha: alpha, beta: start == 0 ? beta : 1, to: c,
            scratch: scratch.address.assumingMemoryBound(to: Float.self))
        }
      }
    }
  }

  /// Some rows of A, in a part of the inner axis that is cut into blocks.
  private struct PanelPart {
    let rows: Range<Int>
    let inner: Range<Int>
    let packed: UnsafeMutablePointer<Float>
    let blocks: Int
    let tiles: Int

    init(rows: Range<Int>, inner: Range<Int>, packed: UnsafeMutablePointer<Float>) {
      (self.rows, self.inner, self.packed) = (rows, inner, packed)
      blocks = (inner.count + panelDepth - 1) / panelDepth
      tiles = (rows.count + tile - 1) / tile
    }

    func block(_ index: Int) -> Range<Int> {
      inner.lowerBound + inner.count * index / blocks..<inner.lowerBound + inner.count * (index + 1)
        / blocks
    }

    /// Where the rows from `row` on lie, for a block of the inner axis.
    func address(row: Int, block: Range<Int>) -> UnsafeMutablePointer<Float> {
      packed + (block.lowerBound - inner.lowerBound) * rows.count + row * block.count
    }

    func pack(_ a: Matrix, _ form: Transposition) {
      Parallel.run(tiles, grain: max(1, Kernels.grain / (tile * inner.count))) { _, range in
        let first = range.lowerBound * tile
        let count = min(range.upperBound * tile, rows.count) - first
        for index in 0..<blocks {
          let block = block(index)
          peft_matrix_rows(
            a.element(rows.lowerBound + first, block.lowerBound, form), a.stride,
            form == .none ? 0 : 1, count, block.count, address(row: first, block: block))
        }
      }
    }

    func multiply(
      _ b: Matrix, _ form: Transposition, alpha: Float, beta: Float, to c: Matrix,
      scratch: UnsafeMutablePointer<Float>
    ) {
      let panels = panelCount(c.columns)
      // Few panels are cut further, so that all threads have as much to do.
      let pieces = panels < manyPanels ? min(Parallel.threads, tiles) : 1
      let grain = max(1, panelWork * pieces / (rows.count * inner.count * panel))
      Parallel.run(panels * pieces, grain: grain) { part, units in
        let work = scratch + part * (panelDepth + min(rows.count, panelRows)) * panel
        for unit in units {
          let (index, piece) = unit.quotientAndRemainder(dividingBy: pieces)
          let first = tiles * piece / pieces * tile
          let count = min(tiles * (piece + 1) / pieces * tile, rows.count) - first
          let column = index * panel
          var output = peft_matrix_output()
          output.sums = work + panelDepth * panel
          output.y = c.address + (rows.lowerBound + first) * c.stride + column
          (output.columns, output.stride) = (min(panel, c.columns - column), c.stride)
          (output.alpha, output.beta) = (alpha, beta)
          for index in 0..<blocks {
            let block = block(index)
            (output.is_first, output.is_last) = (index == 0 ? 1 : 0, index == blocks - 1 ? 1 : 0)
            look(ahead: index + 1, unit + 1 < units.upperBound, b, form, column, c, to: &output)
            peft_matrix_panel(
              b.element(block.lowerBound, column, form), b.stride, form == .none ? 0 : 1,
              block.count, output.columns, work)
            peft_matrix_multiply(
              address(row: first, block: block), count, block.count, work, &output)
          }
        }
      }
    }

    /// Names what is packed next: the next block of the panel, or the first of the next panel.
    private func look(
      ahead index: Int, _ hasMore: Bool, _ b: Matrix, _ form: Transposition, _ column: Int,
      _ c: Matrix, to output: inout peft_matrix_output
    ) {
      let column = index < blocks ? column : column + panel
      let width = min(panel, c.columns - column)
      output.next_lines = 0
      guard index < blocks || hasMore, width > 0 else { return }
      let block = block(index < blocks ? index : 0)
      output.next = UnsafePointer(b.element(block.lowerBound, column, form))
      output.next_stride = b.stride
      output.next_lines = form == .none ? block.count : width
      output.next_width = form == .none ? width : block.count
    }
  }
}

extension Kernels.Matrix {
  /// The element of op(M) in a row and a column.
  fileprivate func element(
    _ row: Int, _ column: Int, _ form: Kernels.Transposition
  ) -> UnsafeMutablePointer<Float> {
    address + (form == .none ? row * stride + column : column * stride + row)
  }
}
